-- Whether a deletion is void. Changes nothing.
--   KEYS: 1 the salt, 2 the index, then the names of the user
--   ARGV: 1 as JSON {salt, base: of the names' keys, hashes: of the names, jobId, timestamp of the job in ms}
--   Answers 'stale' | 'true' | 'false'
local asked = cjson.decode(ARGV[1])
if redis.call('GET', KEYS[1]) ~= asked.salt then
  return 'stale'
end
return standingOf(asked).void == 'cancelled' and 'true' or 'false'
