-- What the scripts about circuit breakers share. A circuit is a hash that exists while it is open, that is while nothing gets through:
-- since, by (the run that opened it), reason, step (ms between probes), probe (when the next is due), probeJob (the job that is to try it),
-- until (when another may), last (the half-open probe that was refused). Beside it lies the set of the jobs held before it, by version.

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

--- Another job may try it.
local function dismiss(circuit)
  redis.call('HDEL', circuit, 'probeJob', 'until')
end

--- Chooses another job to try the circuit: the oldest, unless it has just been refused, maybe for a reason of its own. The caller
--- promotes it.
local function tryAnother(circuit, heldKey, untilMs)
  dismiss(circuit)
  local last = redis.call('HGET', circuit, 'last')
  local jobId = redis.call('ZRANGE', heldKey, 0, 0)[1]
  if jobId and jobId == last then
    local any = redis.call('ZRANDMEMBER', heldKey, 2)
    jobId = any[1] ~= last and any[1] or any[2] or jobId
  end
  if jobId then
    redis.call('HSET', circuit, 'probeJob', jobId, 'until', ms(untilMs))
  end
  return jobId
end

--- Whether this job may try the circuit for all: one at a time, when it is due, and not twice the same where others wait.
local function becomesProbeJob(circuit, heldKey, jobId, now, probeJobMs)
  local probe, probeJob, untilMs, last = unpack(redis.call('HMGET', circuit, 'probe', 'probeJob', 'until', 'last'))
  redis.call('ZREM', heldKey, jobId)
  local isTried = probeJob and probeJob ~= jobId and tonumber(untilMs) > now
  if isTried or tonumber(probe) > now or (last == jobId and redis.call('ZCARD', heldKey) > 0) then
    return false
  end
  redis.call('HSET', circuit, 'probeJob', jobId, 'until', ms(now + probeJobMs))
  return true
end

--- It closes when a person says so, or when nothing is left before it.
local function isDeletionLimit(circuit)
  return string.find(circuit, ':circuit:deletion-limit:', 1, true)
end
