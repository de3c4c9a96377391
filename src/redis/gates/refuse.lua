-- Shuts a gate, if it is not shut yet, and puts the job that was refused before it. The scout's refusal makes the next probe
-- later.
--   KEYS: 1 the gate, 2 the jobs before it, 3 who has passed it last
--   ARGV: 1 jobId, 2 version in ms, 3 the clock in ms, or none, 4 first ms between probes, 5 last, 6 ms that nobody may try,
--         7 reason, 8 ms a scout may take, 9 base of the jobs' keys, 10 token, 11 the queue's time in ms, 12 '1' where a reason
--         that is known already says more, 13 this process, 14 this run
--   Answers {'held' | 'lost' | 'open', 1 where the gate was open}; 'open': another process has just passed it
local gate, held, jobId = KEYS[1], KEYS[2], ARGV[1]
local now, firstMs, lastMs, afterMs = clockMs(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local state = redis.call('HMGET', gate, 'since', 'step', 'probe', 'scout')
local wasOpen = not state[1]
local step, probe = tonumber(state[2]), tonumber(state[3])

if wasOpen then
  local at, who = string.match(redis.call('GET', KEYS[3]) or '', '^(%d+) (.*)$')
  if at and who ~= ARGV[13] and now - tonumber(at) < 2500 then
    return { 'open', 0 }
  end
  step = firstMs
  probe = now + math.max(step, afterMs)
  redis.call('HSET', gate, 'since', string.format('%.0f', now), 'by', ARGV[14])
elseif redis.call('HGET', gate, 'by') == ARGV[14] then
  -- The reply was lost, and this is the same call again: whoever shut the gate tells of it.
  return { 'lost', 1 }
elseif state[4] == jobId then
  step = math.min(step * 2, lastMs)
  probe = now + math.max(step, afterMs)
  redis.call('HSET', gate, 'last', jobId)
  dismiss(gate)
else
  probe = math.max(probe, now + afterMs)
end
redis.call('HSET', gate, 'step', step, 'probe', string.format('%.0f', probe))
if wasOpen or ARGV[12] ~= '1' then
  redis.call('HSET', gate, 'reason', ARGV[7])
end
-- With nobody left who would try it, a gate does not stay shut.
redis.call('PEXPIRE', gate, string.format('%.0f', math.max(probe - now, 0) + 2 * lastMs + tonumber(ARGV[8])))

local isHeld = hold(gate, held, ARGV[2], ARGV[9], jobId, ARGV[10], ARGV[11])
return { isHeld and 'held' or 'lost', wasOpen and 1 or 0 }
