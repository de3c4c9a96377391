-- Voids every deletion of a user that was requested until now, known or not, and returns what is known of them.
--   KEYS: 1 the salt, 2 the index, then the names of the user
--   ARGV: 1 as JSON {untilS: how long a name is kept, in seconds since 1970, and see asked.lua}
--   Answers JSON {is: 'cancelled' | 'too-late' | 'done' | 'none', jobs?: ids of those cancelled}
local index, now = KEYS[2], nowMs()
local places, answers, jobs = placesOf(asked.base, asked.hashes), {}, {}

--- What becomes of the deletions under this name, and the id of the one that is cancelled.
local function cancel(name)
  local mayBeSent = name.sentJob and name.sentEnd ~= 'done'
  if redis.call('ZSCORE', index, name.jobId) and not isSent(name) then
    redis.call('ZREM', index, name.jobId)
    redis.call('HSET', name.key, 'voidBelow', name.number + 1)
    return mayBeSent and 'too-late' or 'cancelled', name.jobId
  end
  if name.begunJob then
    return mayBeSent and 'too-late' or 'cancelled', name.begunJob
  end
  if mayBeSent then
    return 'too-late'
  end
  if name.cancelledJob then
    return 'cancelled', name.cancelledJob
  end
  return name.sentJob and 'done' or 'none'
end

for _, name in ipairs(places) do
  local is, jobId = cancel(name)
  answers[is] = true
  table.insert(jobs, jobId)
end
for _, name in ipairs(places) do
  redis.call('HSET', name.key, 'voidBefore', math.max(now, name.voidBefore))
  redis.call('HDEL', name.key, 'at')
  if #jobs > 0 then
    redis.call('HSET', name.key, 'cancelledJob', jobs[#jobs])
  end
  keep(name.key, asked.untilS - math.floor(now / 1000))
end
for _, is in ipairs({ 'too-late', 'cancelled', 'done' }) do
  if answers[is] then
    return cjson.encode({ is = is, jobs = #jobs > 0 and jobs or nil })
  end
end
return '{"is":"none"}'
