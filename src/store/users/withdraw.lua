-- A job waits for its user no more: a deletion that was never sent has come to its end, and keeps nothing open; or the job for which a
-- user is kept cannot be promoted, as it was removed by hand, or runs already. The next one may have the user.
--   ARGV: 1 as JSON {jobId, place: of the user; or, of a deletion: clientHash, userHash, userId, knownAs}
--   Answers the jobs to promote
local job = cjson.decode(ARGV[1])
local place = job.place or pick(job)
local deletion = not job.place and recordOf(place).deletingSince
if deletion and string.find(deletion, ' ' .. job.jobId .. ' ', 1, true) then
  drop(place, 'deletingSince')
end
redis.call('ZREM', lineOf(place), job.jobId)
passOn(place, job.jobId)
return wakes
