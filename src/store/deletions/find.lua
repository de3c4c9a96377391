-- The deletion that is pending under these names. Changes nothing.
--   KEYS: 1 the salt, 2 the index, then the names of the user
--   ARGV: 1 as JSON {salt, base: of the names' keys, hashes: of the names}
--   Answers 'stale' | nothing | JSON {jobId, dueAt in ms, requestedAt in ms, or 0}
local asked = cjson.decode(ARGV[1])
if redis.call('GET', KEYS[1]) ~= asked.salt then
  return 'stale'
end
for _, name in ipairs(placesOf(asked.base, asked.hashes)) do
  local dueAt = redis.call('ZSCORE', KEYS[2], name.jobId)
  if dueAt then
    return cjson.encode({ jobId = name.jobId, dueAt = tonumber(dueAt), requestedAt = name.requestedAt })
  end
end
return false
