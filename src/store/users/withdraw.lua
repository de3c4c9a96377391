-- A deletion that was never sent, and has come to its end, waits for its user no more and keeps nothing open.
--   ARGV: 1 as JSON {base: of the records' keys, jobId, run, clientHash, userHash, userId, knownAs, leaseMs}
--   Answers the jobs to promote
local job = cjson.decode(ARGV[1])
local records = recordsUnder(job.base)
local place = pick(job, records)
local record = records.of(place)
local deletion = record.deletingSince
if deletion and string.find(deletion, ' ' .. job.jobId .. ' ', 1, true) then
  records.drop(place, 'deletingSince')
end
redis.call('ZREM', job.base .. place .. ':blocked', job.jobId)
if record.nextJob ~= job.jobId then
  return {}
end
records.drop(place, 'nextJob', 'nextUntil')
return { reserved(place, takeNext(job.base .. place, job)) }
