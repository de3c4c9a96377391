-- Takes a user for a run of a job, or parks the job until whoever has the user lets go. Called a second time by the same
-- run (a reply was lost), it answers the same.
--   KEYS: 1 the job's settlement, 2 the job, 3 its lock, then two for each gate that the job comes to: the gate and the jobs
--         before it; first those that it has to pass
--   ARGV: 1 base of the records' keys, 2 base of the jobs' keys, 3 jobId, 4 token, 5 the run, 6 version in ms, 7 lock in
--         ms, 8 seconds to keep, 9 the job's name, 10 hash of the client, 11 hash of the user, 12 userId, 13 how the
--         user is known (named, derived, found), 14 the queue's time in ms, 15 ms that the first in a line sleeps at the most, 16 how
--         many gates the job has to pass, 17 ms a scout may take, 18 the clock of the gates in ms, or none, 19 ms until another
--         job is woken, 20 the id that a create asks for, or derived
--   Answers {'lost'} | {'busy'} | {'cancelled'} | {'refused'} | {'settled', settlement} | {'held', gate} |
--           {'taken', hash, record, shut, probes, the hash of the job's clientId where it stays locked besides, or ''}; gates
--           by their place in the list, from 0
local jobKey, lockKey = KEYS[2], KEYS[3]
local base, jobsBase, jobId, token, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local score, lockMs, keepS, name = ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local clientHash, userHash, userId, knownAs = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local now, parkMs, gatesToPass, asksFor = ARGV[14], tonumber(ARGV[15]), tonumber(ARGV[16]), ARGV[20]
-- Where the gates begin among the keys.
local FIRST = 4
local us = jobId .. ' ' .. token

-- Without its lock a run is over, whether it knows or not; so is one that was parked by a call whose reply was lost.
local lockedBy, settlement = unpack(redis.call('MGET', lockKey, KEYS[1]))
if lockedBy ~= token then
  return { 'lost' }
end
-- A job that has completed bears how it ended: it was put back by hand, and has nothing to do.
local completed, wasParked = unpack(redis.call('HMGET', jobKey, 'settled', 'pk'))
settlement = settlement or completed

--- What lies under a name, read once: a call costs more than all that is looked up in it.
local read = {}
local function fieldsOf(hash)
  if not read[hash] then
    local flat = redis.call('HGETALL', base .. hash)
    local fields = {}
    for i = 1, #flat, 2 do
      fields[flat[i]] = flat[i + 1]
    end
    read[hash] = fields
  end
  return read[hash]
end

local function exists(hash)
  return next(fieldsOf(hash)) ~= nil
end

local function placeOf(hash)
  return fieldsOf(hash).at or hash
end

local function set(hash, field, value)
  redis.call('HSET', base .. hash, field, value)
  fieldsOf(hash)[field] = value
end

local function drop(hash, field)
  if fieldsOf(hash)[field] then
    redis.call('HDEL', base .. hash, field)
    fieldsOf(hash)[field] = nil
  end
end

local function isVersion(name)
  return name == 'cv' or name == 'dv' or string.sub(name, 1, 2) == 'v:'
end

local function timeOf(version)
  return tonumber(string.match(version, '^%S+')) or 0
end

--- Turns a record that was found to be another's into a pointer; what it alone knows moves along.
local function merge(fromHash, toHash)
  local from, to = base .. fromHash, base .. toHash
  local fields = redis.call('HGETALL', from)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    local known = redis.call('HGET', to, name)
    local isNewer = known and isVersion(name) and timeOf(value) > timeOf(known)
    if name ~= 'owner' and name ~= 'next' and (isNewer or not known) then
      redis.call('HSET', to, name, value)
    end
  end
  local waiting = redis.call('ZRANGE', from .. ':waiting', 0, -1, 'WITHSCORES')
  for i = 1, #waiting, 2 do
    redis.call('ZADD', to .. ':waiting', waiting[i + 1], waiting[i])
  end
  redis.call('DEL', from, from .. ':waiting')
  moveFailed(from, to, keepS)
  redis.call('HSET', from, 'at', toHash)
  redis.call('EXPIRE', from, keepS)
  read = {}
end

local function pick()
  if clientHash == '' then
    return placeOf(userHash)
  end
  local client = placeOf(clientHash)
  if userHash == '' then
    return client
  end
  local user = placeOf(userHash)
  if knownAs == 'derived' then
    -- A record of the id's own was written by jobs that name the user by it; one it only points to is another client's.
    local isOwn = user == userHash and exists(user)
    return (isOwn and not exists(client)) and user or client
  end
  if exists(user) then
    return user
  end
  -- Beside a userId, which is the address, a clientId may be anybody's.
  return (knownAs == 'found' or fieldsOf(client).uid == userId) and client or user
end

if knownAs ~= 'found' and settlement then
  local settled = cjson.decode(settlement)
  local job = redis.call('HMGET', jobKey, 'stc', 'timestamp')
  local isSame = job[2] == settled.timestamp or settled.isKept
  local stalls = tonumber(job[1] or '0')
  if isSame and (settled.outcome.status ~= 'failed' or wasCutOff(jobKey, run, stalls, settled.stalls)) then
    return { 'settled', settlement }
  end
  -- It failed and was then put back by hand, or it is another job that was given the id of one that is gone.
  redis.call('DEL', KEYS[1])
end

local held = nil
if knownAs == 'found' then
  held = placeOf(clientHash)
  if fieldsOf(held).owner ~= us and fieldsOf(placeOf(userHash)).owner ~= us then
    return { 'lost' }
  end
end
local hash = pick()
local key = base .. hash

--- Names that lead to this record from now on.
local function point()
  if userHash ~= '' and not exists(userHash) and hash ~= userHash and (held or name == 'create-user') then
    set(userHash, 'at', hash)
  end
  if clientHash ~= '' and knownAs == 'derived' and hash ~= clientHash and not exists(clientHash) then
    set(clientHash, 'at', hash)
  end
end

local function keep()
  for used in pairs({ [hash] = true, [clientHash] = true, [userHash] = true }) do
    if used ~= '' then
      redis.call('EXPIRE', base .. used, keepS)
    end
  end
end

--- The record that this run had locked before is another job's to lock.
local function unlock(name)
  drop(name, 'owner')
  if wakeOldest(base .. name, jobsBase, lockMs) then
    -- Without an owner nothing may have been left of it.
    redis.call('EXPIRE', base .. name, keepS)
  end
end

local owner, reserved = fieldsOf(hash).owner, fieldsOf(hash).next
local nextId, nextUntil
if reserved then
  nextId, nextUntil = string.match(reserved, '^(.*) (%S+)$')
end
local isReserved = reserved and nextId ~= jobId and tonumber(nextUntil) > nowMs()

--- Where the user is kept for this job, which does not take it: the next one may.
local function passOn()
  if nextId == jobId and not wakeOldest(key, jobsBase, lockMs) then
    drop(hash, 'next')
  end
end

-- A deletion that was cancelled, or refused, before it was sent needs no user, and waits for nobody. One that has its user
-- already is told at its last moment.
local mark = name == 'delete-user' and redis.call('HMGET', jobKey, 'cx', 'go', 'br', 'rt') or {}
if name == 'delete-user' and not held and owner ~= us then
  local isRefused = mark[3] == 'refuse'
  if (mark[1] or isRefused) and not mark[2] then
    local deletion = fieldsOf(hash).dd
    if deletion and string.find(deletion, ' ' .. jobId .. ' ', 1, true) then
      drop(hash, 'dd')
    end
    redis.call('ZREM', key .. ':waiting', jobId)
    for i = FIRST, #KEYS, 2 do
      local wasHeld = redis.call('ZREM', KEYS[i + 1], jobId) == 1
      if wasHeld and isBrake(KEYS[i]) and redis.call('ZCARD', KEYS[i + 1]) == 0 then
        redis.call('DEL', KEYS[i])
      end
    end
    passOn()
    return { mark[1] and 'cancelled' or 'refused' }
  end
end

local isHeld = owner ~= us and isAlive(jobsBase, owner)
if isHeld or (isReserved and owner ~= us) then
  local waiting = key .. ':waiting'
  -- The timer is only the net below being woken: the further back in the line, the later.
  if not park(jobsBase, jobId, token, now, parkMs * (redis.call('ZCARD', waiting) + 1)) then
    return { 'lost' }
  end
  redis.call('ZADD', waiting, score, jobId)
  redis.call('EXPIRE', waiting, keepS)
  if held and held ~= hash then
    unlock(held)
  end
  return { 'busy' }
end

local shut, probes = {}, {}
local shutGate = nil
local gates = {}
for i = FIRST, knownAs == 'found' and 0 or #KEYS, 2 do
  table.insert(gates, KEYS[i])
end
-- In nearly every run no gate is shut.
local isAnyShut = #gates > 0 and redis.call('EXISTS', unpack(gates)) > 0
for i = FIRST, isAnyShut and #KEYS or 0, 2 do
  local place = (i - FIRST) / 2
  -- What an operator has released passes the brake, and so does what was sent before, unless it was put back by hand.
  local isExempt = isBrake(KEYS[i]) and (mark[3] == 'release' or (mark[2] and not mark[4]))
  if not isExempt and redis.call('EXISTS', KEYS[i]) == 1 then
    local mustPass = place < gatesToPass
    local state = redis.call('HMGET', KEYS[i], 'scout', 'woken')
    -- A job that may do without tries only where it has come to this gate before.
    local isMeant = mustPass or state[2] == jobId
    if isBrake(KEYS[i]) then
      shutGate = shutGate or place
    elseif state[1] == jobId or (isMeant and becomesScout(KEYS[i], KEYS[i + 1], jobId, clockMs(ARGV[18]), tonumber(ARGV[17]))) then
      table.insert(probes, place)
    elseif mustPass then
      shutGate = shutGate or place
    else
      table.insert(shut, place)
    end
  end
end
if shutGate then
  if not hold(KEYS[FIRST + 2 * shutGate], KEYS[FIRST + 1 + 2 * shutGate], score, jobsBase, jobId, token, now) then
    return { 'lost' }
  end
  for _, place in ipairs(probes) do
    -- It cannot try that gate from behind this one: another does, and none of the time is lost.
    local gate = KEYS[FIRST + 2 * place]
    dismiss(gate)
    wake(gate, KEYS[FIRST + 1 + 2 * place], jobsBase, clockMs(ARGV[18]) + tonumber(ARGV[19]))
  end
  if name == 'create-user' then
    -- Updates that find no user wait as long as a create of it goes on, and so does a deletion that is older.
    local known = fieldsOf(hash).pc
    if not known or timeOf(known) < tonumber(score) then
      set(hash, 'pc', score .. ' 0 ' .. jobId)
    end
    point()
    keep()
  end
  redis.call('ZREM', key .. ':waiting', jobId)
  passOn()
  return { 'held', shutGate }
end

local ownName = ''
if held and held ~= hash then
  if name == 'create-user' and hash ~= userHash then
    -- The user is remembered under another clientId: two sign-ups never become one. What this run has begun is about that user.
    ownName = held
    local doubt = fieldsOf(held).doubt
    if doubt and string.sub(doubt, -#run) == run then
      local earlier, about = string.match(doubt, '^%S+ (%S+) (%S+)')
      if earlier == '-' then
        drop(held, 'doubt')
      else
        set(held, 'doubt', string.format('%s - %s - ended', earlier, about))
      end
    end
  elseif name == 'delete-user' and fieldsOf(held).was then
    -- The clientId that this user has given up leads to nobody: it stays so.
    local mark = fieldsOf(held).dd
    if mark and string.sub(mark, -#run) == run then
      drop(held, 'dd')
    end
    unlock(held)
  else
    merge(held, hash)
  end
end
point()
local record = fieldsOf(hash)
if held and name ~= 'create-user' and not record.uid then
  -- Somebody was seen under this id: a run that is cut off leaves that known.
  set(hash, 'uid', userId)
end
-- Only a job that was put aside can wait in a line.
if wasParked then
  redis.call('HDEL', jobKey, 'pk')
  redis.call('ZREM', key .. ':waiting', jobId)
end
local begins = { 'owner', us }
local isDoubtOurs = record.doubt and string.sub(record.doubt, -#run) == run
if name == 'create-user' and not isDoubtOurs then
  -- From here on a run that is cut off may have made a user. What an earlier one has left open stays open.
  local since, _, about, asked = string.match(record.doubt or '', '^(%S+) (%S+) (%S+) (%S+)')
  local known = about or '-'
  if asked and asked ~= '-' and not string.find(',' .. about .. ',', ',' .. asked .. ',', 1, true) then
    known = about == '-' and asked or about .. ',' .. asked
  end
  local isPast = record.st == 'live' or record.st == 'deleted' or record.dd
  local generation = tonumber(record.gen or '0') + (isPast and 1 or 0)
  local asks = asksFor == 'derived' and string.format('derived:%d', generation) or asksFor
  begins = { 'owner', us, 'doubt', string.format('%.0f %s %s %s %s', nowMs(), since or '-', known, asks, run) }
elseif name == 'delete-user' and not record.dd then
  begins = { 'owner', us, 'dd', string.format('%.0f %s', nowMs(), run) }
end
redis.call('HSET', key, unpack(begins))
for i = 1, #begins, 2 do
  record[begins[i]] = begins[i + 1]
end
if nextId == jobId or not isReserved then
  drop(hash, 'next')
end
local create = record.pc and redis.call('HMGET', jobsBase .. string.match(record.pc, '^%S+ %S+ (.*)$'), 'name', 'finishedOn')
if create and (not create[1] or create[2]) then
  -- That create was removed by hand, or has ended without its user: nobody has to wait for it any more.
  drop(hash, 'pc')
end
local told = {}
for field, value in pairs(record) do
  table.insert(told, field)
  table.insert(told, value)
end
keep()
return { 'taken', hash, told, shut, probes, ownName }
