-- Moves an import on, if this run has it and it stands where the run takes it to be. Without `to` it only looks whether that is so.
--   KEYS: 1 the import (hash), 2 when its rows were added (sorted set: the second, by the last line that was added in it)
--   ARGV: 1 as JSON {run, from: where the run takes the import to be, to?: where it stands from now on, addedLine?: the last line that was
--         added, completeSince?: epoch ms, once nothing is left to do, keepSeconds}
--   Answers {'here', place} | {'over', the run that has the import, or ''} | {'moved', place}
local import, rows = KEYS[1], KEYS[2]
local asked = cjson.decode(ARGV[1])
-- The times serve to tell how long a row waits. More of them, or older ones, say no more than that it is very long.
local MOST_TIMES, KEEP_TIMES_SECONDS = 3600, 86400

local run, place = unpack(redis.call('HMGET', import, 'run', 'place'))
if run ~= asked.run then
  return { 'over', run or '' }
end
if place ~= asked.from then
  return { 'moved', place }
end
if asked.addedLine then
  redis.call('ZADD', rows, asked.addedLine, ms(math.floor(nowMs() / 1000)))
  redis.call('ZREMRANGEBYRANK', rows, 0, -1 - MOST_TIMES)
  redis.call('EXPIRE', rows, KEEP_TIMES_SECONDS)
end
if asked.to then
  redis.call('HSET', import, 'place', asked.to)
end
if asked.completeSince then
  redis.call('HSET', import, 'completeSince', ms(asked.completeSince))
end
redis.call('EXPIRE', import, asked.keepSeconds)
return { 'here', place }
