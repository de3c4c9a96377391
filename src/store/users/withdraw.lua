-- A job waits for its user no more: it is a deletion that was never sent and has ended; or the user is reserved for it, and it cannot be
-- promoted, as it was removed by hand or runs already. The next job may have the user.
--   ARGV: 1 as JSON {jobId, recordId: of the user; or, of a deletion: version, clientHash, userHash, userId, knownAs}
--   Answers the jobs to promote
local job = cjson.decode(ARGV[1])
local recordId = job.recordId or findRecordId(job)
redis.call('ZREM', blockedKeyOf(recordId), job.jobId)
declineTurn(recordId, job.jobId)
return promotions
