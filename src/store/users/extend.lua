-- Extends the leases of runs.
--   ARGV: 1 as JSON [{recordId, run}]
--   Answers for each 1 if it is still the run's
local isOurs = {}
for i, lease in ipairs(cjson.decode(ARGV[1])) do
  isOurs[i] = redis.call('HGET', keyOf(lease.recordId), 'lockRun') == lease.run and 1 or 0
  if isOurs[i] == 1 then
    redis.call('HSET', keyOf(lease.recordId), 'lockUntil', ms(now + settings.leaseMs))
  end
end
return isOurs
