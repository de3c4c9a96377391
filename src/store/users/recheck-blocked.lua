-- A blocked job has been delayed. If its user is free by now, no run will promote it: it is next, and the caller promotes it. Otherwise it
-- joins the line again, in case it left it before it was delayed.
--   ARGV: 1 as JSON {place, jobId, run, stalls, score}
--   Answers 1 if the caller is to promote it
local job = cjson.decode(ARGV[1])
local place = placeOf(job.place)
if not isFree(recordOf(place), job) then
  lineUp(place, job)
  return 0
end
redis.call('ZREM', lineOf(place), job.jobId)
if exists(place) then
  keepFor(job.jobId, place)
end
return 1
