-- A blocked job has been delayed: whether its user is free by now, so that nobody will promote it. It is next then. Else it is in line, also
-- where its line was called up, or its user has moved, before it was delayed.
--   ARGV: 1 as JSON {base: of the records' keys, place, jobId, run, stalls, score, leaseMs, keepSeconds}
--   Answers 1 where the caller is to promote it
local job = cjson.decode(ARGV[1])
local records = recordsUnder(job.base)
local place = records.placeOf(job.place)
local key = job.base .. place
local record = records.of(place)
local now = nowMs()
if lockState(record, job, now) ~= 'free' or isKeptForAnother(record, job.jobId, now) then
  redis.call('ZADD', key .. ':blocked', job.score, job.jobId)
  redis.call('EXPIRE', key .. ':blocked', job.keepSeconds)
  return 0
end
redis.call('ZREM', key .. ':blocked', job.jobId)
if next(record) then
  redis.call('HSET', key, 'nextJob', job.jobId, 'nextUntil', ms(now + job.leaseMs))
end
return 1
