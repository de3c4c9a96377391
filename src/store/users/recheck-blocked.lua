-- A blocked job has been delayed. If its user is free by now, no run will promote it: it is next, and the caller promotes it. Otherwise it
-- joins the line again, in case it left it before it was delayed.
--   ARGV: 1 as JSON {recordId, jobId, run, stalls, score}
--   Answers 1 if the caller is to promote it
local job = cjson.decode(ARGV[1])
local recordId = recordIdOf(job.recordId)
if not isFree(recordOf(recordId), job) then
  addBlocked(recordId, job)
  return 0
end
redis.call('ZREM', blockedKeyOf(recordId), job.jobId)
if exists(recordId) then
  reserveFor(job.jobId, recordId)
end
return 1
