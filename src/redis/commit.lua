-- The last moment before a DELETE is sent: whoever is told 'go' may send it, and from then on nobody can cancel it.
-- Called a second time by the same run (a reply was lost), or by a later one, it answers the same.
--   KEYS: 1 the salt, 2 the job, 3 its lock, then every name of the user
--   ARGV: 1 the salt, 2 jobId, 3 token, 4 seconds to keep what is known of a name, then the hashes of the names
--   Answers 'stale' | 'lost' | 'cancelled' | 'go'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local jobKey, jobId, token, keepS = KEYS[2], ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', KEYS[3]) ~= token then
  return 'lost'
end
local job = deletionOf('', jobKey)

--- The user's deletion was cancelled under another of its names, after this one was asked for.
local function isCancelledElsewhere()
  for i = 5, #ARGV do
    local number, mark, about = nameState(KEYS[i - 1])
    local isOther = deletionId(ARGV[i], number) ~= jobId
    if isOther and mark == 'cx' and (tonumber(job.timestamp) or 0) <= tonumber(about) then
      return true
    end
  end
  return false
end

if not job.hasGone then
  if job.isCancelled then
    return 'cancelled'
  end
  if isCancelledElsewhere() then
    redis.call('HSET', jobKey, 'cx', clock())
    return 'cancelled'
  end
  redis.call('HSET', jobKey, 'go', clock())
end
for i = 5, #ARGV do
  remember(KEYS[i - 1], (nameState(KEYS[i - 1])), ' go ' .. jobId, keepS)
end
return 'go'
