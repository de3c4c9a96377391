-- Takes an import over for this run, or begins it; leaves one alone that is complete, or that was begun another way.
--   KEYS: 1 the import
--   ARGV: 1 the run, 2 when it begins in ms, 3 whether a complete one is begun again, 4 whether its jobs are followed to their ends,
--         5 seconds to keep, 6 as of when its rows count, in ms
--   Answers {where it stands, begun in ms, round, whether its jobs are followed, complete since in ms or '', as of when in ms}
local key, run, begun = KEYS[1], ARGV[1], ARGV[2]
local FIELDS = { 'at', 'begun', 'round', 'follows', 'complete', 'asof' }
local state = redis.call('HMGET', key, unpack(FIELDS))
if not state[1] or (state[5] and ARGV[3] == '1') then
  local round = state[1] and tonumber(state[3]) + 1 or 1
  redis.call('DEL', key)
  redis.call('HSET', key, 'at', '0 0 0', 'begun', begun, 'round', round, 'follows', ARGV[4], 'asof', ARGV[6])
  state = redis.call('HMGET', key, unpack(FIELDS))
end
if not state[5] and state[4] == ARGV[4] then
  redis.call('HSET', key, 'run', run)
end
redis.call('EXPIRE', key, ARGV[5])
return { state[1], state[2], state[3], state[4], state[5] or '', state[6] }
