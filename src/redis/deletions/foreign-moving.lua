-- Looks for deletions of one user among the jobs of others that may be moving from set to set: those at work, those that are
-- next, and those that came last. In one step, so that none slips past. Changes nothing.
--   KEYS: 1 the delayed jobs, then lists and sorted sets of those that wait or are at work
--   ARGV: 1-5 of foreign-deletion, 6 how many jobs to look at from each end
--   Answers the ids
local most = tonumber(ARGV[6])
for i, key in ipairs(KEYS) do
  local range = redis.call('TYPE', key).ok == 'zset' and 'ZRANGE' or 'LRANGE'
  look(redis.call(range, key, 0, most - 1))
  -- Of the delayed ones the last due are of no interest.
  if i > 1 then
    look(redis.call(range, key, -most, -1))
  end
end
return meant
