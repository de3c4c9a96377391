-- Takes a user for a run of a job, or parks the job until whoever has the user lets go. Called a second time by the same
-- run (a reply was lost), it answers the same.
--   KEYS: 1 the job's settlement, 2 the job, 3 its lock, 4-14 of BullMQ's moveToDelayed, 15-23 of its promote, then two for
--         each gate that the job comes to: the gate and the jobs before it; first those that it has to pass
--   ARGV: 1 base of the records' keys, 2 base of the jobs' keys, 3 jobId, 4 token, 5 the run, 6 version in ms, 7 lock in
--         ms, 8 seconds to keep, 9 the job's name, 10 hash of the client, 11 hash of the user, 12 userId, 13 how the
--         user is known (named, derived, found), 14-22 of moveToDelayed, 23 how many gates the job has to pass, 24 ms a
--         scout may take, 25 the clock of the gates in ms, or none, 26 ms until another job is woken
--   Answers {'lost'} | {'busy'} | {'cancelled'} | {'refused'} | {'settled', settlement} | {'held', gate} |
--           {'taken', hash, record, shut, probes}; gates by their place in the list, from 0
local jobKey, lockKey = KEYS[2], KEYS[3]
local base, jobsBase, jobId, token, run = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local score, lockMs, keepS, name = ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local clientHash, userHash, userId, knownAs = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local promoteKeys = part(KEYS, 15, 9)
local us = jobId .. ' ' .. token

-- Without its lock a run is over, whether it knows or not; so is one that was parked by a call whose reply was lost.
if redis.call('GET', lockKey) ~= token then
  return { 'lost' }
end

local function exists(hash)
  return redis.call('EXISTS', base .. hash) == 1
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
end

local function pick()
  if clientHash == '' then
    return recordOf(base, userHash)
  end
  local client = recordOf(base, clientHash)
  if userHash == '' then
    return client
  end
  local user = recordOf(base, userHash)
  if knownAs == 'derived' then
    -- A record of the id's own was written by jobs that name the user by it; one it only points to is another client's.
    local isOwn = user == userHash and exists(user)
    return (isOwn and not exists(client)) and user or client
  end
  if exists(user) then
    return user
  end
  local knownId = knownAs == 'named' and redis.call('HGET', base .. client, 'uid')
  return (knownId and knownId ~= userId) and user or client
end

if knownAs ~= 'found' then
  local settlement = redis.call('GET', KEYS[1])
  if settlement then
    local settled = cjson.decode(settlement)
    local job = redis.call('HMGET', jobKey, 'stc', 'timestamp')
    local isSame = job[2] == settled.timestamp
    if isSame and (settled.outcome.status ~= 'failed' or tonumber(job[1] or '0') > settled.stalls) then
      return { 'settled', settlement }
    end
    -- It failed and was then put back by hand, or it is another job that was given the id of one that is gone.
    redis.call('DEL', KEYS[1])
  end
end

local held = nil
if knownAs == 'found' then
  held = recordOf(base, clientHash)
  if redis.call('HGET', base .. held, 'owner') ~= us and redis.call('HGET', base .. recordOf(base, userHash), 'owner') ~= us then
    return { 'lost' }
  end
end
local hash = pick()
local key = base .. hash

--- Names that lead to this record from now on.
local function point()
  if userHash ~= '' and not exists(userHash) and hash ~= userHash and (held or name == 'create-user') then
    redis.call('HSET', base .. userHash, 'at', hash)
  end
  if clientHash ~= '' and knownAs == 'derived' and hash ~= clientHash and not exists(clientHash) then
    redis.call('HSET', base .. clientHash, 'at', hash)
  end
end

local function keep()
  for _, used in ipairs({ hash, clientHash, userHash }) do
    if used ~= '' then
      redis.call('EXPIRE', base .. used, keepS)
    end
  end
end

local owner = redis.call('HGET', key, 'owner')
local next = redis.call('HGET', key, 'next')
local nextId, nextUntil
if next then
  nextId, nextUntil = string.match(next, '^(.*) (%S+)$')
end
local isReserved = next and nextId ~= jobId and tonumber(nextUntil) > nowMs()

-- A deletion that was cancelled, or refused, before it was sent needs no user, and waits for nobody. One that has its user
-- already is told at its last moment.
local mark = name == 'delete-user' and redis.call('HMGET', jobKey, 'cx', 'go', 'br', 'rt') or {}
if name == 'delete-user' and not held and owner ~= us then
  local isRefused = mark[3] == 'refuse'
  if (mark[1] or isRefused) and not mark[2] then
    local deletion = redis.call('HGET', key, 'dd')
    if deletion and string.find(deletion, ' ' .. jobId .. ' ', 1, true) then
      redis.call('HDEL', key, 'dd')
    end
    redis.call('ZREM', key .. ':waiting', jobId)
    for i = 24, #KEYS, 2 do
      local wasHeld = redis.call('ZREM', KEYS[i + 1], jobId) == 1
      if wasHeld and isBrake(KEYS[i]) and redis.call('ZCARD', KEYS[i + 1]) == 0 then
        redis.call('DEL', KEYS[i])
      end
    end
    if nextId == jobId then
      wakeOldest(key, promoteKeys, jobsBase, lockMs)
    end
    return { mark[1] and 'cancelled' or 'refused' }
  end
end

local isHeld = owner ~= us and isAlive(jobsBase, owner)
if isHeld or (isReserved and owner ~= us) then
  local args = part(ARGV, 14, 9)
  local waiting = key .. ':waiting'
  -- The timer is only the net below being woken: the further back in the line, the later.
  args[5] = tostring(tonumber(args[5]) * (redis.call('ZCARD', waiting) + 1))
  if moveToDelayed(part(KEYS, 4, 11), args) ~= 0 then
    return { 'lost' }
  end
  redis.call('ZADD', waiting, score, jobId)
  redis.call('EXPIRE', waiting, keepS)
  redis.call('HSET', jobKey, 'pk', 1)
  if held and held ~= hash then
    redis.call('HDEL', base .. held, 'owner')
    wakeOldest(base .. held, promoteKeys, jobsBase, lockMs)
  end
  return { 'busy' }
end

local shut, probes = {}, {}
local shutGate = nil
for i = 24, knownAs == 'found' and 0 or #KEYS, 2 do
  local place = (i - 24) / 2
  -- What an operator has released passes the brake, and so does what was sent before, unless it was put back by hand.
  local isExempt = isBrake(KEYS[i]) and (mark[3] == 'release' or (mark[2] and not mark[4]))
  if not isExempt and redis.call('EXISTS', KEYS[i]) == 1 then
    local mustPass = place < tonumber(ARGV[23])
    local state = redis.call('HMGET', KEYS[i], 'scout', 'woken')
    -- A job that may do without tries only where it has come to this gate before.
    local isMeant = mustPass or state[2] == jobId
    if isBrake(KEYS[i]) then
      shutGate = shutGate or place
    elseif state[1] == jobId or (isMeant and becomesScout(KEYS[i], KEYS[i + 1], jobId, clockMs(ARGV[25]), tonumber(ARGV[24]))) then
      table.insert(probes, place)
    elseif mustPass then
      shutGate = shutGate or place
    else
      table.insert(shut, place)
    end
  end
end
if shutGate then
  if not hold(KEYS[24 + 2 * shutGate], KEYS[25 + 2 * shutGate], part(KEYS, 4, 11), part(ARGV, 14, 9), score, jobId) then
    return { 'lost' }
  end
  for _, place in ipairs(probes) do
    -- It cannot try that gate from behind this one: another does, and none of the time is lost.
    local gate = KEYS[24 + 2 * place]
    dismiss(gate)
    wake(gate, KEYS[25 + 2 * place], jobsBase, promoteKeys, clockMs(ARGV[25]) + tonumber(ARGV[26]))
  end
  if name == 'create-user' then
    -- Updates that find no user wait as long as a create of it goes on, and so does a deletion that is older.
    local known = redis.call('HGET', key, 'pc')
    if not known or timeOf(known) < tonumber(score) then
      redis.call('HSET', key, 'pc', score .. ' ' .. jobId)
    end
    point()
    keep()
  end
  redis.call('ZREM', key .. ':waiting', jobId)
  if nextId == jobId then
    wakeOldest(key, promoteKeys, jobsBase, lockMs)
  end
  return { 'held', shutGate }
end

if held and held ~= hash then
  merge(held, hash)
end
point()
redis.call('HSET', key, 'owner', us)
if nextId == jobId or not isReserved then
  redis.call('HDEL', key, 'next')
end
redis.call('ZREM', key .. ':waiting', jobId)
redis.call('HDEL', jobKey, 'pk')
if name == 'create-user' then
  redis.call('HSETNX', key, 'doubt', run)
elseif name == 'delete-user' then
  redis.call('HSETNX', key, 'dd', string.format('%.0f %s', nowMs(), run))
end
local pending = redis.call('HGET', key, 'pc')
local create = pending and redis.call('HMGET', jobsBase .. string.match(pending, '^%S+ (.*)$'), 'name', 'finishedOn')
if create and (not create[1] or create[2]) then
  -- That create was removed by hand, or has ended without its user: nobody has to wait for it any more.
  redis.call('HDEL', key, 'pc')
end
local record = redis.call('HGETALL', key)
if name == 'delete-user' then
  -- A deletion that is cut off may have happened: from here on that the user was made lately is no proof of it.
  redis.call('HDEL', key, 'made')
end
keep()
return { 'taken', hash, record, shut, probes }
