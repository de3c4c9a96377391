-- Locks a clientId that a user is to get, besides the user's own record. Until the rename is settled a sign-up under it waits.
-- Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the lock of the job
--   ARGV: 1 as JSON {records: base of their keys, jobs: base of the jobs' keys, jobId, token, name: the hash of the clientId,
--         own: the hash of the user's record, keepS: seconds to keep}
--   Answers {'lost'} | {'busy'} | {'locked', hash, record, 1 where an earlier run may have given it}
local asked = cjson.decode(ARGV[1])
if redis.call('GET', KEYS[1]) ~= asked.token then
  return { 'lost' }
end
local us = asked.jobId .. ' ' .. asked.token
local hash = recordOf(asked.records, asked.name)
local key = asked.records .. hash
local wasGiven = false
if hash ~= asked.own then
  local owner, reserved = unpack(redis.call('HMGET', key, 'owner', 'next'))
  local nextUntil = reserved and tonumber(string.match(reserved, '(%S+)$'))
  local isTaken = isAlive(asked.jobs, owner) or (nextUntil and nextUntil > nowMs())
  if owner ~= us and isTaken then
    return { 'busy' }
  end
  redis.call('HSET', key, 'owner', us)
  -- What an earlier rename that was cut off has left open stays open.
  wasGiven = redis.call('HSETNX', key, 'given', string.format('%.0f', nowMs())) == 0
  redis.call('EXPIRE', key, asked.keepS)
end
return { 'locked', hash, redis.call('HGETALL', key), wasGiven and 1 or 0 }
