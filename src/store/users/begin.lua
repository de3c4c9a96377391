-- Takes a user for a run of a job, or puts the job into the line of those that are blocked, or held before an open circuit breaker; the
-- caller delays it then. Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the job's settlement, then two for each circuit on the job's way: the circuit, and the jobs held before it; first those
--         that it has to pass
--   ARGV: 1 as JSON {base: of the records' keys, jobId, timestamp, run, stalls, name, version, score: its ms, leaseMs, keepSeconds,
--         clientHash, userHash: or '', userId, knownAs: 'named' | 'derived' | 'found' (the run has its user under another name already),
--         hasRunBefore, asksFor: the id that a create asks for, or 'derived', mustPass: how many circuits, clockMs?: of the circuits, scoutMs, nudgeMs}
--   Answers {'lost'} | {'settled', settlement, older failed jobs} | {'unpublished', the job whose event may be missing, place} |
--           {'blocked', place, ms, jobs to promote} | {'held', circuit, jobs to promote} |
--           {'taken', place, record, circuits to leave alone, circuits to try, place of the clientId that stays locked besides, or '',
--           jobs to promote}; circuits by their place in the list, from 0
local job = cjson.decode(ARGV[1])
local now = nowMs()
local records = recordsUnder(job.base)
local hasLooked = job.knownAs == 'found'
local wakes = {}

if not hasLooked then
  local settled = earlierSettlement(KEYS[1], job)
  if settled then
    return { 'settled', settled, olderFailed(job.base .. (asTable(settled).user or '')) }
  end
end

local earlier = nil
if hasLooked then
  earlier = records.placeOf(job.clientHash)
  if records.of(earlier).lockRun ~= job.run and records.of(records.placeOf(job.userHash)).lockRun ~= job.run then
    return { 'lost' }
  end
end
local place = pick(job, records)
local key = job.base .. place
local record = records.of(place)

--- The record that this run had locked before is another job's to lock.
local function letGo(name)
  wakes[#wakes + 1] = reserved(name, unlock(job.base .. name, job))
end

--- Where the user is kept for this job, which does not take it: the next one may.
local function passOn()
  if record.nextJob == job.jobId then
    records.drop(place, 'nextJob', 'nextUntil')
    wakes[#wakes + 1] = reserved(place, takeNext(key, job))
  end
end

local state, left = lockState(record, job, now)
if state == 'lost' then
  return { 'lost' }
elseif state == 'unpublished' then
  return { 'unpublished', record.lockJob, place }
end
if state == 'held' or (record.lockRun ~= job.run and isKeptForAnother(record, job.jobId, now)) then
  redis.call('ZADD', key .. ':blocked', job.score, job.jobId)
  redis.call('EXPIRE', key .. ':blocked', job.keepSeconds)
  if earlier and earlier ~= place then
    letGo(earlier)
  end
  -- A run of this very job that was cut off: its lease ends soon. Else the timer is only the net below being promoted.
  local isOwn = record.lockJob == job.jobId
  local patience = isOwn and left or 1.5 * job.leaseMs * redis.call('ZCARD', key .. ':blocked')
  return { 'blocked', place, ms(patience), wakes }
end

local way = hasLooked and { shut = {}, probes = {} } or wayThrough(job, KEYS, 2)
if way.open then
  hold(KEYS[2 + 2 * way.open], KEYS[3 + 2 * way.open], job.score, job.jobId)
  for _, circuit in ipairs(way.probes) do
    -- It cannot try that one from behind this one: another does, and none of the time is lost.
    wakes[#wakes + 1] = reserved('', tryAnother(KEYS[2 + 2 * circuit], KEYS[3 + 2 * circuit], nowMs(job.clockMs) + job.nudgeMs))
  end
  if job.name == 'create-user' then
    -- Updates that find no user wait as long as a create of it goes on, and so does a deletion that is older.
    if not record.pendingCreate or timeOf(record.pendingCreate) < tonumber(job.score) then
      records.set(place, { pendingCreate = job.version })
    end
    point(job, records, place, hasLooked)
    keepNames(job, place)
  end
  redis.call('ZREM', key .. ':blocked', job.jobId)
  passOn()
  return { 'held', way.open, wakes }
end

local ownName = ''
if earlier and earlier ~= place then
  ownName = joinRecords(job, records, earlier, place, letGo)
  record = records.of(place)
end
point(job, records, place, hasLooked)
if job.hasRunBefore then
  redis.call('ZREM', key .. ':blocked', job.jobId)
end
local begun = opened(job, record, now)
for field, value in pairs(lockOf(job, now)) do
  begun[field] = value
end
if earlier and job.name ~= 'create-user' and not record.userId then
  -- Somebody was seen under this id: a run that is cut off leaves that known.
  begun.userId = job.userId
end
records.drop(place, 'lockSettled', 'letGoBy')
records.set(place, begun)
if not isKeptForAnother(record, job.jobId, now) then
  records.drop(place, 'nextJob', 'nextUntil')
end
keepNames(job, place)
return { 'taken', place, asList(records.of(place)), way.shut, way.probes, ownName, wakes }
