-- Looks after the jobs before a gate: where it is open, releases the oldest; where a probe is due and nobody tries, wakes one.
--   KEYS: 1 the gate, 2 the jobs before it
--   ARGV: 1 base of the jobs' keys, 2 the clock in ms, or none, 3 how many to release, 4 ms until another is woken
--   Answers 1 where there are more to release at once
local gate, held = KEYS[1], KEYS[2]
local now, most = clockMs(ARGV[2]), tonumber(ARGV[3])

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
    release(held, job.id, ARGV[1])
  end
  -- Others still use a credential that is refused, and put back what they take: not all of it all the time.
  local refused = redis.call('GET', (refusedKeyOf(held)))
  return #jobs >= most and (not refused or refused == fingerprintOf(gate)) and 1 or 0
end
if tonumber(state[2]) > now or (state[3] and tonumber(state[4]) > now) or (tonumber(state[5] or '0') > now) then
  return 0
end
wake(gate, held, ARGV[1], now + tonumber(ARGV[4]))
return 0
