-- Looks after the jobs held before a circuit. If it is closed, names the oldest, for the caller to promote; where a probe is due and
-- no job tries, names one. One process at a time has jobs promoted.
--   KEYS: 1 the circuit, 2 the jobs held before it, 3 the process that has them promoted
--   ARGV: 1 as JSON {clockMs?, most: how many at once, 0 only to forget those that were promoted, nudgeMs: until another job is chosen to
--         try, process, promoted: jobs that are held no longer}
--   Answers {'closed', jobs to promote and the score of each, 1 if there may be more} | {'probe', job to promote} | {'idle'}
local asked = cjson.decode(ARGV[1])
local circuit, held, promoter = KEYS[1], KEYS[2], KEYS[3]
local now = nowMs(asked.clockMs)

local function release()
  local last = redis.call('ZRANGE', held, 0, asked.most - 1, 'WITHSCORES')
  local isOurs = (redis.call('GET', promoter) or asked.process) == asked.process
  if not isOurs or #last == 0 then
    if isOurs and #asked.promoted > 0 then
      redis.call('DEL', promoter)
    end
    return { 'idle' }
  end
  redis.call('SET', promoter, asked.process, 'PX', 5000)
  -- All of one moment together: among equal times the caller finds the order.
  local oldest = redis.call('ZRANGEBYSCORE', held, '-inf', last[#last], 'WITHSCORES')
  -- Other workers may still use a refused credential and return the jobs they take, so release only some at a time.
  local refused = redis.call('GET', refusedKeyOf(held))
  local mayGoOn = #oldest / 2 >= asked.most and (not refused or refused == fingerprintOf(circuit))
  return { 'closed', oldest, mayGoOn and 1 or 0 }
end

if #asked.promoted > 0 then
  redis.call('ZREM', held, unpack(asked.promoted))
end
if asked.most == 0 then
  if redis.call('GET', promoter) == asked.process then
    redis.call('DEL', promoter)
  end
  return { 'idle' }
end
if redis.call('EXISTS', circuit) == 0 then
  return release()
end
local probe, probeJob, untilMs = unpack(redis.call('HMGET', circuit, 'probe', 'probeJob', 'until'))
-- A half-open probe that was promoted in vain is gone.
local isTried = probeJob and probeJob ~= asked.promoted[1] and tonumber(untilMs) > now
if isDeletionLimit(circuit) or tonumber(probe) > now or isTried then
  return { 'idle' }
end
local chosen = tryAnother(circuit, held, now + asked.nudgeMs)
return chosen and { 'probe', chosen } or { 'idle' }
