-- How each script about the names of a user begins: its argument is `asked`. If Redis has another salt, the names are no names any more,
-- and nothing may be written.
--   KEYS: 1 the salt; ARGV: 1 as JSON {salt, base: of the names' keys, hashes: of the names, and what the script adds}; answers 'stale'
local asked = cjson.decode(ARGV[1])
if redis.call('GET', KEYS[1]) ~= asked.salt then
  return 'stale'
end
