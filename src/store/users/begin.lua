-- Locks a user for a run of a job; or notes the job as blocked, or as held by an open circuit breaker, and the caller delays it.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 how the job ended, then the circuits on its passage
--   ARGV: 1 as JSON {
--           jobId, timestamp, run, stalls, hasRunBefore, name, version, score: ms of the version,
--           clientHash, userHash: of the ids, or '', userId, knownAs: how: 'named' | 'derived' | 'found' by a run that has the clientId,
--           asksFor?: the id that a create asks for, hasPassage?: the caller knows how the job passes open
--           circuits, heldBy?: the circuit that holds it }
--   Answers {'lost'} | {'settled', outcome, older failed jobs} | {'unpublished', the job whose event may be missing, recordId} |
--           {'blocked', recordId, ms, jobs to promote} | {'open-circuits'}: nothing is done, the caller asks for the passage |
--           {'held', heldBy, jobs to promote} | {'locked', recordId, record, record id of the clientId that stays locked besides, or '', jobs to promote}
local job = cjson.decode(ARGV[1])
local hasLooked = job.knownAs == 'found'
local earlier = nil
if hasLooked then
  earlier = recordIdAt(job.clientHash, job.version)
  if recordOf(earlier).lockRun ~= job.run and recordOf(recordIdOf(job.userHash)).lockRun ~= job.run then
    return { 'lost' }
  end
else
  local ended, user = storedOutcome(KEYS[1], job)
  if ended then
    return { 'settled', ended, olderFailures(user) }
  end
end

local recordId = findRecordId(job)
local record = recordOf(recordId)
local state, left = lockState(record, job)
if state == 'lost' then
  return { 'lost' }
elseif state == 'unpublished' then
  return { 'unpublished', record.lockJob, recordId }
end
if state == 'locked' or (record.lockRun ~= job.run and isReservedForAnother(record, job.jobId)) then
  addBlocked(recordId, job)
  if earlier and earlier ~= recordId then
    unlock(earlier)
  end
  -- A run of this very job that was cut off: its lease ends soon. Else the timer is only the net below being promoted.
  local isOwn = record.lockJob == job.jobId
  local patience = isOwn and left or 1.5 * settings.leaseMs * redis.call('ZCARD', blockedKeyOf(recordId))
  return { 'blocked', recordId, ms(patience), promotions }
end

-- In nearly every run no circuit is open.
if not hasLooked and not job.hasPassage and #KEYS > 1 and redis.call('EXISTS', unpack(KEYS, 2)) > 0 then
  return { 'open-circuits' }
end
if job.heldBy then
  if job.name == 'create-user' then
    -- Updates that find no user wait as long as a create of it goes on, and so does a deletion that is older.
    if not record.pendingCreate or timeOf(record.pendingCreate) < tonumber(job.score) then
      set(recordId, { pendingCreate = job.version })
    end
    keepPointers(job, recordId)
  end
  noteLater(recordId, job.jobId, '{"status":"held"}')
  redis.call('ZREM', blockedKeyOf(recordId), job.jobId)
  declineTurn(recordId, job.jobId)
  return { 'held', job.heldBy, promotions }
end

local ownRecordId = ''
if earlier and earlier ~= recordId then
  ownRecordId = joinRecords(job, earlier, recordId)
  record = recordOf(recordId)
end
if job.hasRunBefore then
  redis.call('ZREM', blockedKeyOf(recordId), job.jobId)
end
local begun = opened(job, record)
for field, value in pairs(lockOf(job)) do
  begun[field] = value
end
if earlier and job.name ~= 'create-user' and not record.userId then
  -- A user was seen under this id: a run that is cut off leaves that known.
  begun.userId = job.userId
end
drop(recordId, 'lockSettled', 'unlockedBy')
set(recordId, begun)
keepPointers(job, recordId)
return { 'locked', recordId, asList(recordOf(recordId)), ownRecordId, promotions }
