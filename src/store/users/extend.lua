-- Extends the leases of runs.
--   ARGV: 1 as JSON {base: of the records' keys, leaseMs, leases: [{place, run}]}
--   Answers for each 1 where it is still the run's
local told = cjson.decode(ARGV[1])
local lockUntil = ms(nowMs() + told.leaseMs)
local held = {}
for i, lease in ipairs(told.leases) do
  local key = told.base .. lease.place
  local isOurs = redis.call('HGET', key, 'lockRun') == lease.run
  if isOurs then
    redis.call('HSET', key, 'lockUntil', lockUntil)
  end
  held[i] = isOurs and 1 or 0
end
return held
