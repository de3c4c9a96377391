-- Locks a clientId that a user is to get, besides the user's own record. Until the rename is settled a sign-up under it waits.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   ARGV: 1 as JSON {base: of the records' keys, jobId, run, stalls, name: of the clientId, place: of the user's own record, leaseMs,
--         keepSeconds}
--   Answers {'lost'} | {'blocked'} | {'locked', place, record, 1 where an earlier run may have given it}
local job = cjson.decode(ARGV[1])
local now = nowMs()
local records = recordsUnder(job.base)
if records.of(job.place).lockRun ~= job.run then
  return { 'lost' }
end
local place = records.placeOf(job.name)
local record = records.of(place)
if place == job.place then
  return { 'locked', place, asList(record), 0 }
end
if lockState(record, job, now) ~= 'free' or isKeptForAnother(record, job.jobId, now) then
  return { 'blocked' }
end
-- What an earlier rename that was cut off has left open stays open.
local wasGiven = record.givenSince ~= nil
records.set(place, lockOf(job, now))
if not wasGiven then
  records.set(place, { givenSince = ms(now) })
end
redis.call('EXPIRE', job.base .. place, job.keepSeconds)
return { 'locked', place, asList(records.of(place)), wasGiven and 1 or 0 }
