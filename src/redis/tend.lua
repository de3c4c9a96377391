-- Looks after the jobs before a gate: where it is open, releases the oldest; where a probe is due and nobody tries, wakes one.
--   KEYS: 1 the gate, 2 the jobs before it, 3-11 of BullMQ's promote
--   ARGV: 1 base of the jobs' keys, 2 the clock in ms, or none, 3 how many to release, 4 ms until another is woken
--   Answers how many were released
local gate, held = KEYS[1], KEYS[2]
local now, most = clockMs(ARGV[2]), tonumber(ARGV[3])
local promoteKeys = { unpack(KEYS, 3, 11) }

local function release(jobId)
  redis.call('ZREM', held, jobId)
  -- Not 0: it was removed, or something else has woken it.
  return promote(promoteKeys, { ARGV[1], jobId }) == 0
end

local state = redis.call('HMGET', gate, 'since', 'probe', 'scout', 'until', 'nudged', 'last')
if not state[1] then
  local last = redis.call('ZRANGE', held, 0, most - 1, 'WITHSCORES')
  -- All of one moment together: of equal times the queue's own order counts, by length and then by name.
  local oldest = #last == 0 and {} or redis.call('ZRANGEBYSCORE', held, '-inf', last[#last], 'WITHSCORES')
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
  for _, job in ipairs(jobs) do
    release(job.id)
  end
  return #jobs
end
if tonumber(state[2]) > now or (state[3] and tonumber(state[4]) > now) or (tonumber(state[5] or '0') > now) then
  return 0
end
for _ = 1, most do
  local jobId = redis.call('ZRANGE', held, 0, 0)[1]
  if jobId == state[6] then
    -- It may be refused for a reason of its own.
    local any = redis.call('ZRANDMEMBER', held, 2)
    jobId = any[1] ~= state[6] and any[1] or any[2] or jobId
  end
  if not jobId then
    break
  end
  if release(jobId) then
    redis.call('HSET', gate, 'woken', jobId)
    break
  end
end
redis.call('HSET', gate, 'nudged', string.format('%.0f', now + tonumber(ARGV[4])))
return 0
