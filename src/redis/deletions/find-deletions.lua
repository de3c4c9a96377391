-- The deletions that are pending under these names.
--   KEYS: 1 the salt, 2 the delayed jobs, then the names
--   ARGV: 1 the salt, 2 base of the jobs' keys, 3 the largest data to look into, then the hashes of the names
--   Answers 'stale' | the entries
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local entries = {}
for i = 4, #ARGV do
  local key, hash = follow(KEYS[i - 1], ARGV[i])
  local jobId = deletionId(hash, (nameState(key)))
  local score = redis.call('ZSCORE', KEYS[2], jobId)
  if score then
    entries[#entries + 1] = entryOf(ARGV[2], jobId, score, tonumber(ARGV[3]))
  end
end
return entries
