-- The secret that keys the names of deletions: the first one offered.
--   KEYS: 1 the salt; ARGV: 1 as JSON {salt: a new one}
redis.call('SET', KEYS[1], cjson.decode(ARGV[1]).salt, 'NX')
return redis.call('GET', KEYS[1])
