-- A user has signed up again: what is pending for the user and was asked for before is not wanted any more. Remembered on the
-- deletion itself, which may be due long after anything else that is known of the user.
--   KEYS: 1 the salt, then the names of the user
--   ARGV: 1 the salt, 2 base of the jobs' keys, 3 when the sign-up happened, in ms, then the hashes of the names
--   Answers 'stale' | 'ok'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local base, at = ARGV[2], tonumber(ARGV[3])
for i = 4, #ARGV do
  local key, hash = follow(KEYS[i - 2], ARGV[i])
  local jobId = deletionId(hash, (nameState(key)))
  local job = deletionOf(base, jobId)
  if isLive(job) and not job.hasGone and tonumber(job.timestamp) < at then
    local known = tonumber(redis.call('HGET', base .. jobId, 'back') or '0')
    redis.call('HSET', base .. jobId, 'back', string.format('%.0f', math.max(known, at)))
  end
end
return 'ok'
