-- The last moment before a DELETE is sent: whoever is told 'go' may send it, and from then on nobody can cancel it.
-- Called a second time by the same run (a reply was lost), or by a later one, it answers the same.
--   KEYS: 1 the salt, 2 the job, 3 its lock, 4 the deletions sent within the hour, then every name of the user
--   ARGV: 1 the salt, 2 jobId, 3 token, 4 seconds to keep what is known of a name, 5 how many may be sent within an hour, or
--         none where none is sent now, then the hashes of the names
--   Answers 'stale' | 'lost' | 'cancelled' | 'returned' (a newer sign-up) | 'held' | 'go'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local HOUR_MS = 3600000
local jobKey, jobId, token, keepS = KEYS[2], ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', KEYS[3]) ~= token then
  return 'lost'
end
local job = deletionOf('', jobKey)

--- The user's deletion was cancelled under another of its names, after this one was asked for.
local function isCancelledElsewhere()
  for i = 6, #ARGV do
    local number, mark, about = nameState(KEYS[i - 1])
    local isOther = deletionId(ARGV[i], number) ~= jobId
    if isOther and mark == 'cx' and (tonumber(job.timestamp) or 0) <= tonumber(about) then
      return true
    end
  end
  return false
end

--- Counts it, unless that is one too many. What an operator has released is not counted.
local function isTooMany()
  if ARGV[5] == '' or redis.call('HGET', jobKey, 'br') == 'release' then
    return false
  end
  local now = tonumber(clock())
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - HOUR_MS)
  if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[5]) then
    return true
  end
  redis.call('ZADD', KEYS[4], now, jobId)
  redis.call('PEXPIRE', KEYS[4], HOUR_MS)
  return false
end

if job.hasGone and redis.call('HGET', jobKey, 'rt') then
  -- It failed, and somebody has put it back: it is sent anew, and counts anew.
  if isTooMany() then
    return 'held'
  end
  redis.call('HDEL', jobKey, 'rt')
end
if not job.hasGone then
  if job.isCancelled then
    return 'cancelled'
  end
  if isCancelledElsewhere() then
    redis.call('HSET', jobKey, 'cx', clock())
    return 'cancelled'
  end
  local back = redis.call('HGET', jobKey, 'back')
  if back and tonumber(back) > (tonumber(job.timestamp) or 0) then
    return 'returned'
  end
  if isTooMany() then
    return 'held'
  end
  redis.call('HSET', jobKey, 'go', clock())
end
for i = 6, #ARGV do
  keepName(KEYS[i - 1], (nameState(KEYS[i - 1])), ' go ' .. jobId, keepS)
end
return 'go'
