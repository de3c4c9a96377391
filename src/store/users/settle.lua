-- Ends a run: writes down what it learned of the user. If the job is settled, its outcome is stored with the event that is to be
-- published, and the user stays locked until release; else the user is unlocked. Only the run that has the lock may. Called a second
-- time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 how the job ended
--   ARGV: 1 as JSON {
--           jobId, timestamp, run, stalls, hasRunBefore, version?, place: of the record, '' for a job of no user,
--           whose?: the name of the user of a job that could not be read,
--           set, drop: fields of the record, wasSuspended?: whether it says or said that the user is, pointers: names that lead to it, rename?: see rename.lua,
--           also?: {place: of the clientId that is locked besides, isGiven: whether the user may have got it},
--           later?: why it goes on later, else keepOutcome: seconds, if the job is settled, and then: hasFailed, isKept, isDeleted: the user was, count: as what it counts,
--           tokens?: {key, value?, keepSeconds?}, receipt?: see receipt-chain.ts,
--           deletions?: as deletions/settled.lua wants it, and is: 'sign-up' | 'done' | 'failed' | 'unsent' | 'renamed' |
--           'other' };
--         2 and 3 the outcome and the event of a settled job, as JSON
--   Answers {'lost'} | {'settled', outcome, older failed jobs}: a job of no user had ended before | 'stale': the names of the deletions |
--           'moved': the end of the chain of receipts |
--           {'ok', jobs to promote, older failed jobs of a user who is deleted, sequence and previous of the receipt, place of the user}
local told = cjson.decode(ARGV[1])
local place, isSettled = told.place, told.keepOutcome ~= nil

if place == '' then
  local ended, user = storedOutcome(KEYS[1], told)
  if ended then
    return { 'settled', ended, olderFailures(user) }
  end
else
  local lock = redis.call('HMGET', keyOf(place), 'lockRun', 'lockSettled', 'letGoBy')
  if lock[1] ~= told.run or lock[2] then
    -- It has lost its user, or asks again.
    if not isSettled then
      return { lock[3] == told.run and 'ok' or 'lost', {}, {}, '', '', place }
    end
    local before = stored(KEYS[1]) or {}
    if before.run ~= told.run then
      return { 'lost' }
    end
    return { 'ok', {}, olderFailures(before.user), before.sequence, before.previous, before.user }
  end
end
local deletions = told.deletions
if deletions then
  for name, value in pairs(settings.deletions) do
    deletions[name] = value
  end
  if not isOfThisSalt(deletions) then
    return 'stale'
  end
end
if told.receipt and not isNext(told.receipt) then
  return 'moved'
end

if place ~= '' then
  if #told.drop > 0 then
    redis.call('HDEL', keyOf(place), unpack(told.drop))
  end
  redis.call('HSET', keyOf(place), unpack(told.set))
end
if told.rename then
  wakeAll(place)
  place = rename(told)
elseif place ~= '' then
  for _, pointer in ipairs(told.pointers) do
    if pointer ~= place and redis.call('EXISTS', keyOf(pointer)) == 0 then
      lead(pointer, place)
    end
  end
end

if told.wasSuspended then
  -- The lifetime depends on it.
  known = {}
  for _, name in ipairs({ place, unpack(told.pointers) }) do
    refreshUser(name)
  end
end

if told.also then
  unlockAlso(told, place)
end
if not isSettled then
  noteLater(place, told.jobId, told.later)
  unlock(place)
  return { 'ok', wakes, {}, '', '', place }
end

local user = place
if user == '' and told.whose then
  user = placeAt(told.whose, told.version)
end
local sequence, previous = '', ''
if told.receipt then
  append(told.receipt)
  sequence, previous = told.receipt.sequence, told.receipt.previous
end
local who = { run = told.run, stalls = told.stalls, timestamp = told.timestamp, user = user, hasFailed = told.hasFailed,
  isKept = told.isKept, sequence = sequence, previous = previous }
store(KEYS[1], cjson.encode(who), ARGV[2], ARGV[3], 'EX', told.keepOutcome)
countOutcome(told.count)
if told.tokens then
  keepTokens(told.tokens)
end
if deletions and deletions.is == 'sign-up' then
  signUpVoids(deletions)
elseif deletions and deletions.is == 'renamed' then
  voidsFollow(deletions)
elseif deletions then
  deletions.ending = (deletions.is == 'done' or deletions.is == 'failed') and deletions.is or 'other'
  deletionEnds(deletions)
end
if user ~= '' and (told.hasRunBefore or told.hasFailed or told.isDeleted) then
  redis.call('HDEL', laterOf(user), told.jobId)
  known = {}
  remember(told, user)
  return { 'ok', wakes, olderFailures(user), sequence, previous, user }
end
return { 'ok', wakes, {}, sequence, previous, user }
