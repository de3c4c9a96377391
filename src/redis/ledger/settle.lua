-- Ends a run: writes what it learnt, lets the user go, wakes the next job; where the job is settled, says so for good, adds its
-- event to every events queue and, where asked to, completes it and fetches the next one: all in one step. Only the owner may.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the job's settlement, 2 its lock, then, where the user has signed up, the salt of the deletions' names and the names
--   ARGV: 1 base of the records' keys, 2 base of the jobs' keys, 3 jobId, 4 token, 5 hash of the record, or none,
--         6 lock in ms, 7 seconds to keep, 8 the settlement, or none, 9 seconds to keep it, 10 what changes, as JSON:
--         {queues: the bases of the keys of the events queues,
--          set: [name, value, …], drop: [name, …], pointers: [hash, …], leave: [name, value, …],
--          rename?: {from: hash or none, to: hash, user: hash},
--          also?: {hash: of the clientId that the run has locked besides, isGiven: whether the user may have got it},
--          job?: what is left of it, where it is settled: {name, data, run, timestamp, stalls, hasFailed, version?,
--          sweep?: a key to mark, isKept: whether its settlement stays when it has completed},
--          whose?: the hash that leads to the user of a job that could not be read,
--          receipt?: the next of a chain: {key, previous, sequence, hash},
--          returned?: {salt, hashes of the names, at: ms of the sign-up},
--          count?: where a settled job is counted: {base of the minutes' keys, field, keepS},
--          tokens?: {key, value, keepS} of a user that has signed up, {key} of one that is deleted},
--         then 3 of BullMQ's addStandardJob for each events queue, then, where the job completes, 9 of its moveToFinished
--   Answers 'ok' | {'completed', what moveToFinished answers} | 'lost' | 'stale' (the names of the deletions) |
--           'overtaken' (the chain has another receipt by now) |
--           {'settled', the settlement of a job of no user that was settled before}
local base, jobsBase, jobId, token, hash = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local lockMs, keepS, settlement, keepSettledS = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local change = cjson.decode(ARGV[10])
local key = base .. hash

local owner, reserved = unpack(hash == '' and {} or redis.call('HMGET', key, 'owner', 'next'))
local completion = part(ARGV, 11 + 3 * #change.queues, 9)
local completes = completion[1] ~= nil
--- Whether an earlier call of this run has completed the job.
local function hasCompleted()
  local job = completes and redis.call('HMGET', jobsBase .. jobId, 'settled', 'finishedOn')
  return job and job[1] and job[2] and cjson.decode(job[1]).run == change.job.run
end

if hash == '' then
  if hasCompleted() then
    return { 'completed', 0 }
  end
  -- A job of no user: its settlement alone keeps it from being told twice.
  local earlier = redis.call('GET', KEYS[1])
  local was, is = earlier and cjson.decode(earlier), change.job
  -- A job of which Redis has lost all but the id tells no timestamp.
  if was and (was.timestamp == is.timestamp or is.timestamp == '0' or was.isKept) then
    -- It may have failed and then been put back by hand: that is another end.
    local isAgain = was.outcome.status ~= 'failed' or was.run == is.run
    if was.timestamp ~= is.timestamp and was.isKept then
      -- It is the same request once more: of what it says no more stays than of the first.
      reduce(jobsBase .. jobId, is, KEYS[2], token, earlier)
    end
    if isAgain or wasCutOff(jobsBase .. jobId, is.run, is.stalls, was.stalls) then
      return { 'settled', earlier }
    end
  end
  -- Another run may have completed the job since, and what it kept is gone.
  if redis.call('GET', KEYS[2]) ~= token then
    return 'lost'
  end
  -- It has completed and was then put back by hand: it has nothing more to tell.
  local completed = redis.call('HGET', jobsBase .. jobId, 'settled')
  if completed then
    return { 'settled', completed }
  end
elseif owner ~= jobId .. ' ' .. token then
  if hasCompleted() then
    return { 'completed', 0 }
  end
  if settlement ~= '' then
    return redis.call('GET', KEYS[1]) == settlement and 'ok' or 'lost'
  end
  -- With the lock still ours nobody can have taken the user from us: we have let it go before.
  return redis.call('GET', KEYS[2]) == token and 'ok' or 'lost'
end

if change.returned then
  if not returned(part(KEYS, 3, #KEYS - 2), change.returned, jobsBase) then
    return 'stale'
  end
end

if change.receipt then
  local head = redis.call('HGET', change.receipt.key, 'hash')
  if (head or string.rep('0', 64)) ~= change.receipt.previous then
    return 'overtaken'
  end
end

--- What an add writes to, or reads.
local TYPES = {
  wait = 'list', paused = 'list', meta = 'hash', id = 'string', completed = 'zset', delayed = 'zset', active = 'list',
  events = 'stream', marker = 'zset',
}

--- Whether an event can be added to this queue: of several queues none is written to, where another would fail.
local function isWhole(queue)
  for name, expected in pairs(TYPES) do
    local is = redis.call('TYPE', queue .. name).ok
    if is ~= 'none' and is ~= expected then
      return false
    end
  end
  return true
end

--- Once for each end: whoever comes again with the same one has been turned away before.
local function count(at)
  local minute = at.base .. string.format('%.0f', math.floor(nowMs() / 60000))
  if redis.call('HINCRBY', minute, at.field, 1) == 1 then
    redis.call('EXPIRE', minute, at.keepS)
  end
end

local function publish()
  if settlement == '' then
    return nil
  end
  for _, queue in ipairs(#change.queues > 1 and change.queues or {}) do
    if not isWhole(queue) then
      return redis.error_reply('BROKENQUEUE an events queue is broken')
    end
  end
  for i, queue in ipairs(change.queues) do
    local added = addStandardJob(queue, part(ARGV, 8 + 3 * i, 3))
    if type(added) == 'number' and added < 0 then
      return redis.error_reply('BROKENQUEUE the event was not added: ' .. added)
    end
  end
  if not completes or change.job.isKept then
    redis.call('SET', KEYS[1], settlement, 'EX', keepSettledS)
  end
  count(change.count)
  local tokens = change.tokens
  if tokens and tokens.value then
    redis.call('SET', tokens.key, tokens.value, 'EX', tokens.keepS)
  elseif tokens then
    redis.call('DEL', tokens.key)
  end
  if change.job.hasFailed then
    -- Whoever puts it back wants it decided anew.
    redis.call('HDEL', jobsBase .. jobId, 'br')
  end
  if change.receipt then
    redis.call('HSET', change.receipt.key, 'sequence', change.receipt.sequence, 'hash', change.receipt.hash)
  end
  local left = change.job
  reduce(jobsBase .. jobId, left, KEYS[2], token, settlement)
  if left.sweep then
    redis.call('SET', left.sweep, string.format('%.0f %s', nowMs(), jobId))
  end
  local place = hash ~= '' and hash or (change.whose and recordOf(base, change.whose))
  if place then
    remember(base .. place, jobId, left.version, left.hasFailed, keepS)
    local deletion = redis.call('HGET', base .. place, 'dv')
    if deletion then
      gatherFailed(base, place, change.pointers, keepS)
      bury(base .. place, deletion, jobsBase, jobId)
    end
  end
  return nil
end

--- Whether a name may lead to another user from now on.
local function isFree(name)
  local there = recordOf(base, name)
  local known = redis.call('HMGET', base .. there, 'uid', 'st', 'owner')
  local isOurs = known[3] == jobId .. ' ' .. token
  -- That nobody bears a clientId that this run has locked has been seen at Damoov itself.
  return there == hash or isOurs or (not known[1] or known[2] == 'deleted') and not isAlive(jobsBase, known[3])
end

local function lead(name, to)
  moveFailed(base .. name, base .. to, keepS)
  local generation = redis.call('HGET', base .. name, 'gen')
  redis.call('DEL', base .. name)
  redis.call('HSET', base .. name, 'at', to)
  redis.call('EXPIRE', base .. name, keepS)
  return tonumber(generation or '0')
end

--- The user has another clientId: the old one leads to nobody, and whoever signs up under it is another user.
local function rename(from, to, user)
  local generation = 0
  local place = hash
  if hash == user then
    if to ~= user and isFree(to) then
      generation = lead(to, hash)
    end
  else
    place = isFree(to) and to or user
    generation = tonumber(redis.call('HGET', base .. place, 'gen') or '0')
    redis.call('RENAME', key, base .. place)
    moveFailed(key, base .. place, keepS)
    if place ~= user then
      lead(user, place)
    end
  end
  if generation > tonumber(redis.call('HGET', base .. place, 'gen') or '0') then
    redis.call('HSET', base .. place, 'gen', generation)
  end
  if from ~= '' and from ~= place and (from == hash or recordOf(base, from) == hash) then
    redis.call('DEL', base .. from)
    redis.call('HSET', base .. from, unpack(change.leave))
    redis.call('EXPIRE', base .. from, keepS)
  end
  redis.call('HDEL', base .. place, 'owner', 'next')
  redis.call('EXPIRE', base .. place, keepS)
  wakeAll(key, jobsBase)
end

--- The last of all: where the job cannot complete, since it is another's by now or the queue is broken, its settlement stays, and
--- the queue says what is wrong when it is asked to complete the job.
local function complete()
  if not completes then
    return 'ok'
  end
  local hasRun, reply = pcall(moveToFinished, jobsBase, completion)
  if not hasRun or (type(reply) == 'number' and reply < 0) then
    redis.call('SET', KEYS[1], settlement, 'EX', keepSettledS)
    return 'ok'
  end
  return { 'completed', reply or 0 }
end

-- What was learnt comes first and the settlement last: where an add fails in between, the next run knows what was done,
-- and adds the event again.
if hash ~= '' then
  if #change.drop > 0 then
    redis.call('HDEL', key, unpack(change.drop))
  end
  if #change.set > 0 then
    redis.call('HSET', key, unpack(change.set))
  end
end
local fault = publish()
if fault then
  return fault
end
--- The clientId that was locked besides is free again. Every job that waits for it looks for its user anew.
local function unlockAlso()
  local also = change.also
  if also and also.hash ~= hash then
    if redis.call('HGET', base .. also.hash, 'owner') == jobId .. ' ' .. token then
      redis.call('HDEL', base .. also.hash, 'owner', also.isGiven and 'next' or 'given')
    end
    wakeAll(base .. also.hash, jobsBase)
  end
end
if hash == '' then
  return complete()
end
if change.rename then
  rename(change.rename.from, change.rename.to, change.rename.user)
  unlockAlso()
  return complete()
end
for _, pointer in ipairs(change.pointers) do
  if pointer ~= hash and redis.call('EXISTS', base .. pointer) == 0 then
    redis.call('HSET', base .. pointer, 'at', hash)
    redis.call('EXPIRE', base .. pointer, keepS)
  end
end
unlockAlso()
redis.call('HDEL', key, 'owner')
if wakeOldest(key, jobsBase, lockMs) then
  -- Without an owner nothing may have been left of it.
  redis.call('EXPIRE', key, keepS)
elseif reserved then
  redis.call('HDEL', key, 'next')
end
return complete()
