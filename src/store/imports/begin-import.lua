-- Takes an import over for this run, or begins it. One that is complete stays as it is.
--   KEYS: 1 the import (hash), 2 when its rows were added (sorted set)
--   ARGV: 1 as JSON {run, isAgain: whether a complete import is begun again, begunAt: when it begins, epoch ms,
--         asOf: when its rows count, epoch ms, keepSeconds}
--   Answers {place, begunAt, round, asOf, completeSince or nothing}: the fields of the import, as text
local import, rows = KEYS[1], KEYS[2]
local asked = cjson.decode(ARGV[1])

local round, completeSince = unpack(redis.call('HMGET', import, 'round', 'completeSince'))
if not round or (completeSince and asked.isAgain) then
  redis.call('DEL', import, rows)
  redis.call('HSET', import, 'place', '0 0 0', 'begunAt', ms(asked.begunAt), 'round', (round or 0) + 1, 'asOf', ms(asked.asOf))
  completeSince = false
end
if not completeSince then
  redis.call('HSET', import, 'run', asked.run)
end
redis.call('EXPIRE', import, asked.keepSeconds)
return redis.call('HMGET', import, 'place', 'begunAt', 'round', 'asOf', 'completeSince')
