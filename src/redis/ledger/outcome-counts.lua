-- Reads the counts of the last minutes, by Redis' own clock, as settle.lua writes them.
--   KEYS: 1 base of the counts' keys; the minutes under it are in the same slot
--   ARGV: 1 how many whole minutes before the current one
--   Answers field, count, field, count, … ; a field once for each minute
local minute = math.floor(redis.call('TIME')[1] / 60)
local counts = {}
for i = minute - tonumber(ARGV[1]), minute do
  for _, value in ipairs(redis.call('HGETALL', KEYS[1] .. string.format('%.0f', i))) do
    counts[#counts + 1] = value
  end
end
return counts
