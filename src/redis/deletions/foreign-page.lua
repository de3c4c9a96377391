-- Looks for deletions of one user among the jobs that others have added, a part of a set at a time. Changes nothing.
--   KEYS: 1 a sorted set or a list of job ids
--   ARGV: 1-5 of foreign-deletion, 6 where to go on, 7 how many jobs to look at
--   Answers where to go on, '0' at the end, and the ids
local from, count = ARGV[6], tonumber(ARGV[7])
if redis.call('TYPE', KEYS[1]).ok == 'zset' then
  local scanned = redis.call('ZSCAN', KEYS[1], from, 'COUNT', count)
  look(scanned[2], 2)
  return { scanned[1], meant }
end
-- Jobs come in on the left and move to the right: one may be seen twice, none is missed.
local ids = redis.call('LRANGE', KEYS[1], from, from + count - 1)
look(ids)
return { #ids < count and '0' or string.format('%.0f', from + count), meant }
