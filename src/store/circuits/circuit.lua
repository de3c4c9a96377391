-- What the scripts share that concern circuit breakers. A circuit is a hash that exists while it is open, that is while nothing gets
-- through: since, reason, step (ms between probes), probe (when the next is due), scout (the job that tries it) until, woken (the job
-- that was promoted to try it) and nudged (when another may be), last (the scout that was refused). Beside it lies the set of the jobs
-- held before it, by version.

--- The clock that we are told, else Redis' own: the workers' may differ.
local function clockOf(told)
  if told.clockMs then
    return told.clockMs
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

--- Which credential was refused last is known for a while, by its fingerprint; beside the set of the jobs.
local function refusedKeyOf(heldKey)
  return (string.gsub(heldKey, ':held$', ':refused'))
end

local function fingerprintOf(circuit)
  return string.match(circuit, '([^:]*)$')
end

local HELD_SECONDS = 90 * 24 * 3600

--- Notes that the job is held; the caller delays it.
local function hold(circuit, heldKey, score, jobId)
  redis.call('SET', refusedKeyOf(heldKey), fingerprintOf(circuit), 'EX', 10)
  redis.call('ZADD', heldKey, score, jobId)
  redis.call('EXPIRE', heldKey, HELD_SECONDS)
end

--- The job that is to try the circuit: the oldest, unless it has just been refused, maybe for a reason of its own. The caller promotes it.
local function chooseScout(circuit, heldKey, nextAt)
  local last = redis.call('HGET', circuit, 'last')
  local jobId = redis.call('ZRANGE', heldKey, 0, 0)[1]
  if jobId and jobId == last then
    local any = redis.call('ZRANDMEMBER', heldKey, 2)
    jobId = any[1] ~= last and any[1] or any[2] or jobId
  end
  redis.call('HSET', circuit, 'nudged', string.format('%.0f', nextAt))
  if jobId then
    redis.call('HSET', circuit, 'woken', jobId)
  end
  return jobId
end

--- Another job may try it.
local function dismiss(circuit)
  redis.call('HDEL', circuit, 'scout', 'until', 'nudged')
end

local function tryAnother(circuit, heldKey, nextAt)
  dismiss(circuit)
  return chooseScout(circuit, heldKey, nextAt)
end

--- Whether this job may try the circuit for all: one at a time, when it is due, and not twice the same where others wait.
local function becomesScout(circuit, heldKey, jobId, now, scoutMs)
  local state = redis.call('HMGET', circuit, 'probe', 'scout', 'until', 'last')
  redis.call('ZREM', heldKey, jobId)
  if state[2] and state[2] ~= jobId and tonumber(state[3]) > now then
    return false
  end
  if tonumber(state[1]) > now or (state[4] == jobId and redis.call('ZCARD', heldKey) > 0) then
    return false
  end
  redis.call('HSET', circuit, 'scout', jobId, 'until', string.format('%.0f', now + scoutMs))
  return true
end

--- It closes when a person says so, or when nothing is left before it.
local function isDeletionLimit(circuit)
  return string.find(circuit, ':gate:brake:', 1, true)
end
