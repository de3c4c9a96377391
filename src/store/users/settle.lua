-- Ends a run: writes down what it learned of the user. If the job is settled, its outcome is stored with the event that is to be
-- published, and the user stays locked until release; else the user is unlocked. Only the run that has the lock may. Called a second
-- time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 how the job ended
--   ARGV: 1 as JSON {
--           jobId, timestamp, run, stalls, hasRunBefore, version?, recordId: '' for a job of no user,
--           whose?: the id of the user of a job that could not be read,
--           set, drop: fields of the record, wasSuspended?: whether it says or said that the user is, pointers: ids that point to it, rename?: see rename.lua,
--           also?: {recordId: of the clientId that is locked besides, isGiven: whether the user may have got it},
--           later?: why it goes on later, else keepOutcome: seconds, if the job is settled, and then: hasFailed, isKept, isDeleted: the user was, count: as what it counts,
--           tokens?: {key, value?, keepSeconds?}, receipt?: see receipt-chain.ts,
--           deletions?: as deletions/settled.lua wants it, and is: 'sign-up' | 'done' | 'failed' | 'unsent' | 'renamed' |
--           'other' };
--         2 and 3 the outcome and the event of a settled job, as JSON
--   Answers {'lost'} | {'settled', outcome, older failed jobs}: a job of no user had ended before | 'stale': the names of the deletions |
--           'moved': the end of the chain of receipts |
--           {'ok', jobs to promote, older failed jobs of a user who is deleted, sequence and previous of the receipt, record id of the user}
local settlement = cjson.decode(ARGV[1])
local recordId, isSettled = settlement.recordId, settlement.keepOutcome ~= nil

if recordId == '' then
  local ended, user = storedOutcome(KEYS[1], settlement)
  if ended then
    return { 'settled', ended, olderFailures(user) }
  end
else
  local lock = redis.call('HMGET', keyOf(recordId), 'lockRun', 'lockSettled', 'unlockedBy')
  if lock[1] ~= settlement.run or lock[2] then
    -- It has lost its user, or asks again.
    if not isSettled then
      return { lock[3] == settlement.run and 'ok' or 'lost', {}, {}, '', '', recordId }
    end
    local before = stored(KEYS[1]) or {}
    if before.run ~= settlement.run then
      return { 'lost' }
    end
    return { 'ok', {}, olderFailures(before.user), before.sequence, before.previous, before.user }
  end
end
local deletions = settlement.deletions
if deletions then
  for field, value in pairs(settings.deletions) do
    deletions[field] = value
  end
  if not isOfThisSalt(deletions) then
    return 'stale'
  end
end
if settlement.receipt and not isNext(settlement.receipt) then
  return 'moved'
end

if recordId ~= '' then
  if #settlement.drop > 0 then
    redis.call('HDEL', keyOf(recordId), unpack(settlement.drop))
  end
  redis.call('HSET', keyOf(recordId), unpack(settlement.set))
end
if settlement.rename then
  promoteAll(recordId)
  recordId = rename(settlement)
elseif recordId ~= '' then
  for _, pointer in ipairs(settlement.pointers) do
    if pointer ~= recordId and redis.call('EXISTS', keyOf(pointer)) == 0 then
      point(pointer, recordId)
    end
  end
end

if settlement.wasSuspended then
  -- The lifetime depends on it.
  known = {}
  for _, id in ipairs({ recordId, unpack(settlement.pointers) }) do
    refreshUser(id)
  end
end

if settlement.also then
  unlockAlso(settlement, recordId)
end
if not isSettled then
  noteLater(recordId, settlement.jobId, settlement.later)
  unlock(recordId)
  return { 'ok', promotions, {}, '', '', recordId }
end

local user = recordId
if user == '' and settlement.whose then
  user = recordIdAt(settlement.whose, settlement.version)
end
local sequence, previous = '', ''
if settlement.receipt then
  append(settlement.receipt)
  sequence, previous = settlement.receipt.sequence, settlement.receipt.previous
end
local who = { run = settlement.run, stalls = settlement.stalls, timestamp = settlement.timestamp, user = user, hasFailed = settlement.hasFailed,
  isKept = settlement.isKept, sequence = sequence, previous = previous }
store(KEYS[1], cjson.encode(who), ARGV[2], ARGV[3], 'EX', settlement.keepOutcome)
countOutcome(settlement.count)
if settlement.tokens then
  keepTokens(settlement.tokens)
end
if deletions and deletions.is == 'sign-up' then
  signUpVoids(deletions)
elseif deletions and deletions.is == 'renamed' then
  voidsFollow(deletions)
elseif deletions then
  deletions.ending = (deletions.is == 'done' or deletions.is == 'failed') and deletions.is or 'other'
  deletionEnds(deletions)
end
if user ~= '' and (settlement.hasRunBefore or settlement.hasFailed or settlement.isDeleted) then
  redis.call('HDEL', laterOf(user), settlement.jobId)
  known = {}
  remember(settlement, user)
  return { 'ok', promotions, olderFailures(user), sequence, previous, user }
end
return { 'ok', promotions, {}, sequence, previous, user }
