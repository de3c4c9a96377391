-- The job for which a user is kept cannot be promoted: it was removed by hand, or runs already. The next one may.
--   ARGV: 1 as JSON {base: of the records' keys, place, jobId, leaseMs, keepSeconds}
--   Answers the job to promote, if there is one
local told = cjson.decode(ARGV[1])
local key = told.base .. told.place
if redis.call('HGET', key, 'nextJob') ~= told.jobId then
  return nil
end
redis.call('HDEL', key, 'nextJob', 'nextUntil')
return takeNext(key, told)
