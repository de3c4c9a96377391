-- Ends a run: writes what it learnt, lets the user go, wakes the next job; where the job is settled, says so for good and
-- adds its event to every events queue, all in one step. Only the owner may. Called a second time by the same run (a reply
-- was lost), it answers the same.
--   KEYS: 1 the job's settlement, 2 its lock, 3-11 of BullMQ's promote, then 9 of its addStandardJob for each events queue
--   ARGV: 1 base of the records' keys, 2 base of the jobs' keys, 3 jobId, 4 token, 5 hash of the record, or none,
--         6 lock in ms, 7 seconds to keep, 8 the settlement, or none, 9 seconds to keep it, 10 what changes, as JSON:
--         {set: [name, value, …], drop: [name, …], pointers: [hash, …], moveTo?, leave: [name, value, …]},
--         then 3 of addStandardJob for each events queue
--   Answers 'ok' | 'lost'
local base, jobsBase, jobId, token, hash = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local lockMs, keepS, settlement, keepSettledS = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local change = cjson.decode(ARGV[10])
local promoteKeys = part(KEYS, 3, 9)
local key = base .. hash

if hash == '' then
  -- A job of no user: its settlement alone keeps it from being told twice.
  if redis.call('EXISTS', KEYS[1]) == 1 then
    return 'ok'
  end
elseif redis.call('HGET', key, 'owner') ~= jobId .. ' ' .. token then
  if settlement ~= '' then
    return redis.call('GET', KEYS[1]) == settlement and 'ok' or 'lost'
  end
  -- With the lock still ours nobody can have taken the user from us: we have let it go before.
  return redis.call('GET', KEYS[2]) == token and 'ok' or 'lost'
end

if settlement ~= '' then
  redis.call('SET', KEYS[1], settlement, 'EX', keepSettledS)
  for i = 0, (#ARGV - 10) / 3 - 1 do
    local added = addStandardJob(part(KEYS, 12 + 9 * i, 9), part(ARGV, 11 + 3 * i, 3))
    if type(added) == 'number' and added < 0 then
      return redis.error_reply('the event was not added: ' .. added)
    end
  end
end
if hash == '' then
  return 'ok'
end

redis.call('HDEL', key, 'owner', unpack(change.drop))
if #change.set > 0 then
  redis.call('HSET', key, unpack(change.set))
end
if change.moveTo and (redis.call('EXISTS', base .. change.moveTo) == 0 or recordOf(base, change.moveTo) == hash) then
  redis.call('RENAME', key, base .. change.moveTo)
  redis.call('EXPIRE', base .. change.moveTo, keepS)
  for _, pointer in ipairs(change.pointers) do
    if pointer ~= change.moveTo then
      redis.call('HSET', base .. pointer, 'at', change.moveTo)
      redis.call('EXPIRE', base .. pointer, keepS)
    end
  end
  if #change.leave > 0 then
    redis.call('HSET', key, unpack(change.leave))
    redis.call('EXPIRE', key, keepS)
  end
  redis.call('HDEL', base .. change.moveTo, 'next')
  wakeAll(key, promoteKeys, jobsBase)
  return 'ok'
end
for _, pointer in ipairs(change.pointers) do
  if pointer ~= hash and redis.call('EXISTS', base .. pointer) == 0 then
    redis.call('HSET', base .. pointer, 'at', hash)
    redis.call('EXPIRE', base .. pointer, keepS)
  end
end
redis.call('EXPIRE', key, keepS)
wakeOldest(key, promoteKeys, jobsBase, lockMs)
redis.call('EXPIRE', key, keepS)
return 'ok'
