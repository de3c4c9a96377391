-- A job waits for its user no more: it is a deletion that was never sent and has ended; or the user is kept for it, and it cannot be
-- promoted, as it was removed by hand or runs already. The next job may have the user.
--   ARGV: 1 as JSON {jobId, place: of the user; or, of a deletion: version, clientHash, userHash, userId, knownAs}
--   Answers the jobs to promote
local job = cjson.decode(ARGV[1])
local place = job.place or pick(job)
redis.call('ZREM', lineOf(place), job.jobId)
passOn(place, job.jobId)
return wakes
