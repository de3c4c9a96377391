-- The point of no return of a deletion: 'go' allows this run to send the DELETE, and from then on it cannot be cancelled.
-- Called a second time by the same run (a reply was lost), or by a later one, it answers the same.
--   KEYS: 1 the salt, 2 what an operator has decided over the job, 3 the deletions sent within the hour, 4 the user's record, then the
--         names of the user
--   ARGV: 1 as JSON {jobId, timestamp of the job in ms, keepS: seconds to keep a name, limit?: how many may be sent within an hour,
--         lock: {field, value} of the record that show that the user is this run's, and see asked.lua}
--   Answers 'lost' | 'cancelled' | 'returned' (a newer sign-up) | 'held' | 'go'
local HOUR_MS = 3600000
if redis.call('HGET', KEYS[4], asked.lock.field) ~= asked.lock.value then
  return 'lost'
end

--- Counts it, unless that is one too many. What an operator has released is not counted.
local function isTooMany()
  if not asked.limit or redis.call('GET', KEYS[2]) == 'release' then
    return false
  end
  local now = nowMs()
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - HOUR_MS)
  if redis.call('ZCARD', KEYS[3]) >= asked.limit then
    return true
  end
  redis.call('ZADD', KEYS[3], now, asked.jobId)
  redis.call('PEXPIRE', KEYS[3], HOUR_MS)
  return false
end

local standing = standingOf(asked)
if not standing.isSent then
  if standing.void then
    return standing.void
  end
  if isTooMany() then
    return 'held'
  end
end
for _, name in ipairs(standing.names) do
  if not standing.isSent or name.sentJob ~= asked.jobId then
    redis.call('HSET', name.key, 'sentJob', asked.jobId)
    redis.call('HDEL', name.key, 'sentEnd', 'begunJob', 'cancelledJob', 'at')
  end
  keep(name.key, asked.keepS)
end
return 'go'
