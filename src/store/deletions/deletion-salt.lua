-- The secret that keys the names of deletions: the first one that anybody offers.
--   KEYS: 1 the salt
--   ARGV: 1 a new one
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
