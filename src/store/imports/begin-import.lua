-- Takes an import over for this run, or begins it. One that is complete stays as it is.
--   KEYS: 1 the import (hash), 2 when its rows were added (sorted set)
--   ARGV[1]: run; isAgain: whether a complete import is begun again; begunAt: when it begins, epoch ms;
--     asOf: when its rows count, epoch ms; keepSeconds
--   Answers place, begunAt, round, completeSince or '', asOf: the fields of the import, as text
local import, rows = KEYS[1], KEYS[2]
local ask = cjson.decode(ARGV[1])

local function read()
  return redis.call('HMGET', import, 'place', 'begunAt', 'round', 'completeSince', 'asOf')
end

local function ms(number)
  return string.format('%.0f', number)
end

local function begin(round)
  redis.call('DEL', import, rows)
  redis.call('HSET', import, 'place', '0 0 0', 'begunAt', ms(ask.begunAt), 'round', round, 'asOf', ms(ask.asOf))
end

local place, _, round, completeSince = unpack(read())
if not place then
  begin(1)
elseif completeSince and ask.isAgain then
  begin(tonumber(round) + 1)
end
local state = read()
if not state[4] then
  redis.call('HSET', import, 'run', ask.run)
end
redis.call('EXPIRE', import, ask.keepSeconds)
state[4] = state[4] or ''
return state
