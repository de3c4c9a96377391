-- What the scripts about deletions share. A user's name is a hash of its clientId or UserId; `del-HASH` is the job of the deletion that we
-- schedule under it, `del-HASH-NUMBER` that of a later one. The index has what is pending, by the ms when it is due. A name has a key
-- only if there is more to say; most pending deletions have none. The key is a hash:
--   number       of the name's last deletion; 0 where it is missing
--   isOver       that one has ended: the next one gets a new number
--   requestedAt  ms: when that one was requested last, where that is later than its job says
--   voidBefore   ms: deletions of the user that were requested until then are void, whoever added them
--   askedAfter   the voidBefore that was known when the last deletion was requested: it does not concern that one
--   voidBelow    our deletions with a lower number are void, whatever the clocks say
--   begunJob     a job that is not of the index, of another client perhaps, which a worker has begun and not ended
--   cancelledJob the job that was cancelled last, if nothing was requested and sent since
--   voidScheduler the job scheduler whose job was void: its further ones are, too
--   returnedAt   ms of the newest sign-up: deletions that were requested before are not wanted any more
--   sentJob      the job that may have sent its DELETE last; sentEnd: how it ended, 'done' | 'failed'
--   at           hash of the user's other name, under which its deletion lies
local FIELDS = {
  'number', 'requestedAt', 'voidBefore', 'askedAfter', 'voidBelow', 'returnedAt',
  'isOver', 'begunJob', 'cancelledJob', 'sentJob', 'sentEnd', 'voidScheduler', 'at',
}
local NUMBERS = 6

--- The name's key, its hash and its fields, and `jobId`, that of its last deletion.
local function stateOf(base, hash)
  local state = { key = base .. hash, hash = hash }
  local values = redis.call('HMGET', state.key, unpack(FIELDS))
  for i, field in ipairs(FIELDS) do
    if i <= NUMBERS then
      state[field] = tonumber(values[i] or '0')
    else
      state[field] = values[i] or nil
    end
  end
  state.jobId = 'del-' .. hash .. (state.number == 0 and '' or string.format('-%d', state.number))
  return state
end

--- The names of these hashes, each followed by the one that it leads to.
local function placesOf(base, hashes)
  local places = {}
  for _, hash in ipairs(hashes) do
    local given = stateOf(base, hash)
    table.insert(places, given)
    if given.at then
      table.insert(places, stateOf(base, given.at))
    end
  end
  return places
end

--- The name under which a job lies that we have scheduled, and the job's number; nothing for one of another client.
local function ownNameOf(base, jobId)
  local hash, number = string.match(jobId, '^del%-(' .. string.rep('[%w_-]', 16) .. ')(.*)$')
  local counted = number == '' and '0' or string.match(number or '', '^%-(%d+)$')
  if counted then
    return stateOf(base, hash), tonumber(counted)
  end
end

--- Whether the name's last deletion may have sent its DELETE; one that failed since is decided anew.
local function isSent(state)
  return state.sentJob == state.jobId and state.sentEnd ~= 'failed'
end

--- From now on, or from when the deletion is due; never shorter than it is kept already: a deletion may be pending for years.
local function keep(key, seconds, dueAt)
  local untilDue = dueAt and math.max(0, math.ceil((dueAt - nowMs()) / 1000)) or 0
  redis.call('EXPIRE', key, ms(math.max(redis.call('TTL', key), seconds + untilDue)))
end
