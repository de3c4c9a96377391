-- What the scripts share that put jobs before a gate. A gate is a hash that exists while it is shut: since, reason, step (ms
-- between probes), probe (when the next is due), scout (the job that tries it) until, woken (the job that was woken to try it)
-- and nudged (when another may be), last (the scout that was refused). Beside it lies the set of the jobs before it, by version.

--- The net below being released, for a job at the front; the further back, the later.
local NET_MS = 3600000

--- The clock that we are told, else Redis' own: the workers' may differ.
local function clockMs(told)
  if told ~= '' then
    return tonumber(told)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

--- Which credential was refused last is known for a while, by its fingerprint; beside the set of the jobs.
local function refusedKeyOf(heldKey)
  return string.gsub(heldKey, ':held$', ':refused')
end

local function fingerprintOf(gate)
  return string.match(gate, '([^:]*)$')
end

--- Puts a job before the gate. False where it is not the caller's any more.
local function hold(gate, heldKey, score, jobsBase, jobId, token, now)
  redis.call('SET', (refusedKeyOf(heldKey)), fingerprintOf(gate), 'EX', 10)
  if not park(jobsBase, jobId, token, now, NET_MS * (1 + redis.call('ZCARD', heldKey) / 1000)) then
    return false
  end
  redis.call('ZADD', heldKey, score, jobId)
  return true
end

--- Lets a job go that was put before the gate. False where it was removed, or something else has woken it.
local function release(heldKey, jobId, jobsBase)
  redis.call('ZREM', heldKey, jobId)
  return unpark(jobsBase, jobId)
end

--- Wakes a job to try the gate: the oldest, unless it has just been refused, maybe for a reason of its own.
local function wake(gate, heldKey, jobsBase, nextAt)
  local last = redis.call('HGET', gate, 'last')
  for _ = 1, 1000 do
    local jobId = redis.call('ZRANGE', heldKey, 0, 0)[1]
    if jobId and jobId == last then
      local any = redis.call('ZRANDMEMBER', heldKey, 2)
      jobId = any[1] ~= last and any[1] or any[2] or jobId
    end
    if not jobId then
      break
    end
    if release(heldKey, jobId, jobsBase) then
      redis.call('HSET', gate, 'woken', jobId)
      break
    end
  end
  redis.call('HSET', gate, 'nudged', string.format('%.0f', nextAt))
end

--- Whether this job may try the gate for all: one at a time, when it is due, and not twice the same where others wait.
local function becomesScout(gate, held, jobId, now, scoutMs)
  local state = redis.call('HMGET', gate, 'probe', 'scout', 'until', 'last')
  redis.call('ZREM', held, jobId)
  if state[2] and state[2] ~= jobId and tonumber(state[3]) > now then
    return false
  end
  if tonumber(state[1]) > now or (state[4] == jobId and redis.call('ZCARD', held) > 0) then
    return false
  end
  redis.call('HSET', gate, 'scout', jobId, 'until', string.format('%.0f', now + scoutMs))
  return true
end

--- It opens when a person says so, or when nothing is left before it.
local function isBrake(gate)
  return string.find(gate, ':gate:brake:', 1, true)
end

--- Another job may try it.
local function dismiss(gate)
  redis.call('HDEL', gate, 'scout', 'until', 'nudged')
end
