-- What settling a job means for deletions. Included by the script that settles; each function takes one table:
--   {saltKey, salt: of the names, index: key of what is pending, base: of the names' keys,
--    hashes: of the user's names, keepS: seconds to keep a name}, and what the function adds.
-- Order: isOfThisSalt before anything is written, the others with the outcome. name-state.ts says what a name has.

local function stateOf(base, hash)
  local name = { key = base .. hash, jobId = 'del-' .. hash }
  local fields = { 'number', 'returnedAt', 'begunJob', 'cancelledJob', 'sentJob', 'sentEnd', 'at', 'suspension' }
  for i, value in ipairs(redis.call('HMGET', name.key, unpack(fields))) do
    name[fields[i]] = value
  end
  if name.number and name.number ~= '0' then
    name.jobId = name.jobId .. '-' .. name.number
  end
  return name
end

--- The job's number among the deletions of its name.
local function numberIn(jobId)
  return string.match(jobId, '^del%-' .. string.rep('[%w_-]', 16) .. '%-(%d+)$') or '0'
end

--- The names of the user, each followed by the one that it leads to.
local function placesOf(asked)
  local places = {}
  for _, hash in ipairs(asked.hashes) do
    local given = stateOf(asked.base, hash)
    table.insert(places, given)
    if given.at then
      table.insert(places, stateOf(asked.base, given.at))
    end
  end
  return places
end

--- Never shorter than it is kept already: a deletion may be pending for years.
local function keep(key, seconds)
  redis.call('EXPIRE', key, ms(math.max(redis.call('TTL', key), seconds)))
end

--- Whether the hashes were made with the salt of this Redis; if not, nothing may be written, and the caller makes them anew.
local function isOfThisSalt(asked)
  return redis.call('GET', asked.saltKey) == asked.salt
end

--- A user has signed up: what is pending for it and was requested before is not wanted any more.
--- Adds {at: ms of the sign-up}.
local function signUpVoids(asked)
  -- Of nearly all users nothing pends, and nothing is known.
  local keys, jobIds = {}, {}
  for i, hash in ipairs(asked.hashes) do
    keys[i], jobIds[i] = asked.base .. hash, 'del-' .. hash
  end
  if #keys == 0 then
    return
  end
  local due = redis.call('ZMSCORE', asked.index, unpack(jobIds))
  if not due[1] and not due[2] and redis.call('EXISTS', unpack(keys)) == 0 then
    return
  end
  for _, name in ipairs(placesOf(asked)) do
    local dueAt = redis.call('ZSCORE', asked.index, name.jobId)
    if dueAt and (name.sentJob ~= name.jobId or name.sentEnd == 'failed') then
      redis.call('HSET', name.key, 'returnedAt', math.max(tonumber(name.returnedAt or 0), asked.at))
      keep(name.key, asked.keepS + math.max(0, math.ceil((dueAt - nowMs()) / 1000)))
      if name.suspension then
        -- Its run resumes the user.
        promote(name.jobId)
      end
    end
  end
end

--- The user has another name: what a cancellation has voided under one of its names is void under all.
local function voidsFollow(asked)
  local latest, ttl = 0, 0
  for _, hash in ipairs(asked.hashes) do
    local voidBefore = tonumber(redis.call('HGET', asked.base .. hash, 'voidBefore') or 0)
    if voidBefore > latest then
      latest, ttl = voidBefore, redis.call('TTL', asked.base .. hash)
    end
  end
  for _, hash in ipairs(latest > 0 and asked.hashes or {}) do
    redis.call('HSET', asked.base .. hash, 'voidBefore', ms(latest))
    keep(asked.base .. hash, ttl)
  end
end

--- A deletion has ended: it pends no more, and whether it was carried out is known from now on.
--- Adds {jobId, decision: key of what an operator has decided over it, ending: 'done' | 'failed' | 'other'}.
local function deletionEnds(asked)
  redis.call('DEL', asked.decision)
  redis.call('ZREM', asked.index, asked.jobId)
  local hash = string.match(asked.jobId, '^del%-(' .. string.rep('[%w_-]', 16) .. ')')
  local own = hash and stateOf(asked.base, hash)
  if own and own.jobId == asked.jobId then
    redis.call('HSET', own.key, 'isOver', 1)
    if own.cancelledJob ~= asked.jobId then
      redis.call('HDEL', own.key, 'cancelledJob')
    end
    keep(own.key, asked.keepS)
  end
  if own and asked.ending ~= 'failed' and string.match(own.suspension or '', '^%a+ (%d+)') == numberIn(asked.jobId) then
    redis.call('HDEL', own.key, 'suspension')
  end
  for _, name in ipairs(placesOf(asked)) do
    if name.begunJob == asked.jobId then
      redis.call('HDEL', name.key, 'begunJob')
    end
    if name.sentJob == asked.jobId and asked.ending ~= 'other' then
      redis.call('HSET', name.key, 'sentEnd', asked.ending)
    end
  end
end
