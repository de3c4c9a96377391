-- Locks a clientId that a user is to get, besides the user's own record. Until the rename is settled a sign-up under it waits.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   ARGV: 1 as JSON {jobId, run, stalls, name: of the clientId, place: of the user's own record}
--   Answers {'lost'} | {'blocked'} | {'locked', place, record, 1 if an earlier run may have given it}
local job = cjson.decode(ARGV[1])
if recordOf(job.place).lockRun ~= job.run then
  return { 'lost' }
end
local place = placeOf(job.name)
local record = recordOf(place)
if place == job.place then
  return { 'locked', place, asList(record), 0 }
end
if not isFree(record, job) then
  return { 'blocked' }
end
-- What an earlier run that was cut off has left open stays open, and for as long again: this one may be cut off, too.
local wasGiven = record.givenSince ~= nil
set(place, lockOf(job))
set(place, { givenSince = ms(now) })
refreshUser(place)
return { 'locked', place, asList(recordOf(place)), wasGiven and 1 or 0 }
