-- Ends a run: writes down what it learnt of the user. Where the job is settled it says so for good, with the event that is to be
-- published, and the user stays locked until release; else it lets the user go. Only the run that has the lock may. Called a second
-- time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the job's settlement
--   ARGV: 1 as JSON {base: of the records' keys, jobId, timestamp, run, stalls, place: of the record, '' for a job of no user, leaseMs,
--         keepSeconds, change: see record-change.ts, also?: {place: of the clientId that is locked besides, isGiven: whether the user
--         may have got it}, settlement?: {fields, keepSeconds}, version?, whose?: the name of the user of a job that could not be read,
--         count?: where the end is counted: {key: of the minutes, field, keepSeconds}, tokens?: {key, value?, keepSeconds?}, hasRunBefore, isDeleted: there was a deletion of the user,
--         receipt?: see receipt-chain.ts, deletions?: as deletions/settled.lua wants it, and is: 'sign-up' | 'done' | 'failed' | 'unsent' | 'other'}
--   Answers {'lost'} | {'settled', settlement, older failed jobs}: a job of no user was settled before | 'stale': the names of the deletions | 'moved': the end of the chain of receipts |
--           {'ok', jobs to promote, older failed jobs of a user who is deleted: see failed.lua, sequence and previous of the receipt, place of the user}
local told = cjson.decode(ARGV[1])
local change, settlement = told.change, told.settlement
local key = told.base .. told.place
local wakes = {}

local function add(jobIds)
  for _, jobId in ipairs(jobIds) do
    wakes[#wakes + 1] = reserved('', jobId)
  end
end

if told.place == '' then
  local settled = earlierSettlement(KEYS[1], told)
  if settled then
    return { 'settled', settled, olderFailed(told.base .. (asTable(settled).user or '')) }
  end
else
  local lock = redis.call('HMGET', key, 'lockRun', 'lockSettled', 'letGoBy')
  if lock[1] ~= told.run or lock[2] then
    return againOf(KEYS[1], told, lock[3])
  end
end
if told.deletions and not isOfThisSalt(told.deletions) then
  return 'stale'
end
if told.receipt and not isNext(told.receipt) then
  return 'moved'
end

if #change.drop > 0 and told.place ~= '' then
  redis.call('HDEL', key, unpack(change.drop))
end
if told.place ~= '' then
  redis.call('HSET', key, unpack(change.set))
end
local place = told.place
if change.rename then
  add(takeAll(key))
  place = rename(told, change)
  key = told.base .. place
elseif place ~= '' then
  for _, pointer in ipairs(change.pointers) do
    if pointer ~= place and redis.call('EXISTS', told.base .. pointer) == 0 then
      redis.call('HSET', told.base .. pointer, 'movedTo', place)
      redis.call('EXPIRE', told.base .. pointer, told.keepSeconds)
    end
  end
end

--- The clientId that was locked besides is free again. Every job that waits for it looks for its user anew.
local also = told.also
if also and also.place ~= told.place and also.place ~= place then
  local other = told.base .. also.place
  if redis.call('HGET', other, 'lockRun') == told.run then
    redis.call('HDEL', other, 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'nextJob', 'nextUntil')
    if not also.isGiven then
      redis.call('HDEL', other, 'givenSince')
    end
  end
  add(takeAll(other))
end

if not settlement then
  wakes[#wakes + 1] = reserved(place, unlock(key, told))
  redis.call('EXPIRE', key, told.keepSeconds)
  return { 'ok', wakes, {}, '', '', place }
end

local user = place
if user == '' and told.whose then
  user = redis.call('HGET', told.base .. told.whose, 'movedTo') or told.whose
end
local sequence, previous = '', ''
if told.receipt then
  append(told.receipt)
  sequence, previous = told.receipt.sequence, told.receipt.previous
  redis.call('HSET', KEYS[1], 'sequence', sequence, 'previous', previous)
end
redis.call('HSET', KEYS[1], 'user', user, unpack(asList(settlement.fields)))
redis.call('EXPIRE', KEYS[1], settlement.keepSeconds)
if place ~= '' then
  redis.call('EXPIRE', key, told.keepSeconds)
end
local minute = told.count.key .. ms(math.floor(nowMs() / 60000))
if redis.call('HINCRBY', minute, told.count.field, 1) == 1 then
  redis.call('EXPIRE', minute, told.count.keepSeconds)
end
if told.tokens and told.tokens.value then
  redis.call('SET', told.tokens.key, told.tokens.value, 'EX', told.tokens.keepSeconds)
elseif told.tokens then
  redis.call('DEL', told.tokens.key)
end
if told.deletions and told.deletions.is == 'sign-up' then
  signUpVoids(told.deletions)
elseif told.deletions then
  local is = told.deletions.is
  told.deletions.ending = (is == 'done' or is == 'failed') and is or 'other'
  deletionEnds(told.deletions)
end
if user ~= '' and (told.hasRunBefore or settlement.hasFailed or told.isDeleted) then
  remember(told, user, change.pointers)
  return { 'ok', wakes, olderFailed(told.base .. user), sequence, previous, user }
end
return { 'ok', wakes, {}, sequence, previous, user }
