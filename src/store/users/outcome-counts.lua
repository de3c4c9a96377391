-- Reads the counts of the last minutes, by Redis' own clock, as settle.lua writes them.
--   KEYS: 1 base of the counts' keys; the minutes under it are in the same slot
--   ARGV: 1 how many whole minutes before the current one
--   Answers the current minute since 1970, and one list a minute, the oldest first: field, count, field, count, …
local minute = math.floor(redis.call('TIME')[1] / 60)
local minutes = {}
for i = minute - tonumber(ARGV[1]), minute do
  minutes[#minutes + 1] = redis.call('HGETALL', KEYS[1] .. string.format('%.0f', i))
end
return { minute, minutes }
