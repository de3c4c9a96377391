-- Looks after the jobs held before a circuit. Where it is closed, names the oldest, for the caller to promote; where a probe is due and
-- nobody tries, names one. One process at a time has jobs promoted.
--   KEYS: 1 the circuit, 2 the jobs held before it, 3 who is at it
--   ARGV: 1 as JSON {clockMs?, most: how many at once, 0 where only those are to be forgotten, nudgeMs: until another is woken to try, process, promoted: jobs that are held no
--         longer}
--   Answers {'closed', jobs to promote, 1 where there may be more} | {'probe', job to promote} | {'idle'}
local told = cjson.decode(ARGV[1])
local circuit, held = KEYS[1], KEYS[2]
local now = clockOf(told)
if #told.promoted > 0 then
  redis.call('ZREM', held, unpack(told.promoted))
end
if told.most == 0 then
  if redis.call('GET', KEYS[3]) == told.process then
    redis.call('DEL', KEYS[3])
  end
  return { 'idle' }
end
local state = redis.call('HMGET', circuit, 'since', 'probe', 'scout', 'until', 'nudged')
if not state[1] then
  local last = redis.call('ZRANGE', held, 0, told.most - 1, 'WITHSCORES')
  local isAtIt = #last > 0 or #told.promoted > 0
  if not isAtIt or (redis.call('GET', KEYS[3]) or told.process) ~= told.process then
    return { 'idle' }
  elseif #last == 0 then
    redis.call('DEL', KEYS[3])
    return { 'idle' }
  end
  redis.call('SET', KEYS[3], told.process, 'PX', 5000)
  -- All of one moment together: of equal times the queue's own order counts, by length and then by name.
  local oldest = redis.call('ZRANGEBYSCORE', held, '-inf', last[#last], 'WITHSCORES')
  local jobs = {}
  for i = 1, #oldest, 2 do
    table.insert(jobs, { id = oldest[i], score = tonumber(oldest[i + 1]) })
  end
  table.sort(jobs, function(a, b)
    if a.score ~= b.score then
      return a.score < b.score
    end
    return #a.id < #b.id or (#a.id == #b.id and a.id < b.id)
  end)
  local ids = {}
  for i, job in ipairs(jobs) do
    ids[i] = job.id
  end
  -- Others still use a credential that is refused, and put back what they take: not all of it all the time.
  local refused = redis.call('GET', refusedKeyOf(held))
  return { 'closed', ids, #ids >= told.most and (not refused or refused == fingerprintOf(circuit)) and 1 or 0 }
end
local isTried = state[3] and tonumber(state[4]) > now
local wasNudged = #told.promoted == 0 and tonumber(state[5] or '0') > now
if isDeletionLimit(circuit) or tonumber(state[2]) > now or isTried or wasNudged then
  return { 'idle' }
end
local scout = chooseScout(circuit, held, now + told.nudgeMs)
return scout and { 'probe', scout } or { 'idle' }
