-- Locks a clientId that a user is to get, besides the user's own record. Until the rename is settled a sign-up under it waits.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   ARGV: 1 as JSON {jobId, run, stalls, id: of the clientId, recordId: of the user itself}
--   Answers {'lost'} | {'blocked'} | {'locked', recordId, record, 1 if an earlier run may have given it}
local job = cjson.decode(ARGV[1])
if recordOf(job.recordId).lockRun ~= job.run then
  return { 'lost' }
end
local recordId = recordIdOf(job.id)
local record = recordOf(recordId)
if recordId == job.recordId then
  return { 'locked', recordId, asList(record), 0 }
end
if not isFree(record, job) then
  return { 'blocked' }
end
-- What an earlier run that was cut off has left open stays open, and for as long again: this one may be cut off, too.
local wasGiven = record.givenSince ~= nil
set(recordId, lockOf(job))
set(recordId, { givenSince = ms(now) })
refreshUser(recordId)
return { 'locked', recordId, asList(recordOf(recordId)), wasGiven and 1 or 0 }
