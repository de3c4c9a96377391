-- Opens a circuit, if it is not open yet, and holds the job that was refused; the caller delays it. The scout's refusal makes the next
-- probe later. Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the circuit, 2 the jobs held before it, 3 who has passed it last
--   ARGV: 1 as JSON {jobId, score: of its version, run, clockMs?, firstMs, lastMs: between probes, afterMs: that nobody may try, reason,
--         scoutMs, isUntried: a reason that is known already says more, process}
--   Answers {'held' | 'open', 1 where this run has opened the circuit}; 'open': another process has just passed it
local told = cjson.decode(ARGV[1])
local circuit, held = KEYS[1], KEYS[2]
local now = clockOf(told)
local state = redis.call('HMGET', circuit, 'since', 'step', 'probe', 'scout', 'by')
local wasClosed = not state[1]
local step, probe = tonumber(state[2]), tonumber(state[3])
if state[5] == told.run then
  hold(circuit, held, told.score, told.jobId)
  return { 'held', 1 }
end
if wasClosed then
  local at, who = string.match(redis.call('GET', KEYS[3]) or '', '^(%d+) (.*)$')
  if at and who ~= told.process and now - tonumber(at) < 2500 then
    return { 'open', 0 }
  end
  step = told.firstMs
  probe = now + math.max(step, told.afterMs)
  redis.call('HSET', circuit, 'since', string.format('%.0f', now), 'by', told.run)
elseif state[4] == told.jobId then
  step = math.min(step * 2, told.lastMs)
  probe = now + math.max(step, told.afterMs)
  redis.call('HSET', circuit, 'last', told.jobId)
  dismiss(circuit)
else
  probe = math.max(probe, now + told.afterMs)
end
redis.call('HSET', circuit, 'step', string.format('%.0f', step), 'probe', string.format('%.0f', probe))
if wasClosed or not told.isUntried then
  redis.call('HSET', circuit, 'reason', told.reason)
end
-- With nobody left who would try it, a circuit does not stay open.
redis.call('PEXPIRE', circuit, string.format('%.0f', math.max(probe - now, 0) + 2 * told.lastMs + told.scoutMs))
hold(circuit, held, told.score, told.jobId)
return { 'held', wasClosed and 1 or 0 }
