-- Opens a circuit, if it is not open yet, and holds the job that was refused; the caller delays it. The half-open probe's refusal makes the next
-- probe later. Called a second time by the same run (a reply was lost), it answers the same.
--   KEYS: 1 the circuit, 2 the jobs held before it, 3 the process that got through last, for 2.5 seconds
--   ARGV: 1 as JSON {jobId, score: of its version, run, clockMs?, firstMs, lastMs: between probes, afterMs: in which no job may try, reason,
--         probeJobMs, isUntried: a reason that is known already says more, process}
--   Answers {'held' | 'closed', 1 if this run has opened the circuit}; 'closed': another process has just got through
local told = cjson.decode(ARGV[1])
local circuit, held = KEYS[1], KEYS[2]
local now = nowMs(told.clockMs)
local by, step, probe, probeJob = unpack(redis.call('HMGET', circuit, 'by', 'step', 'probe', 'probeJob'))
if by == told.run then
  hold(circuit, held, told.score, told.jobId)
  return { 'held', 1 }
end
if not by and (redis.call('GET', KEYS[3]) or told.process) ~= told.process then
  return { 'closed', 0 }
end
if not by then
  step = told.firstMs
  redis.call('HSET', circuit, 'since', ms(now), 'by', told.run)
elseif probeJob == told.jobId then
  step = math.min(step * 2, told.lastMs)
  redis.call('HSET', circuit, 'last', told.jobId)
  dismiss(circuit)
end
if not by or probeJob == told.jobId then
  probe = now + math.max(step, told.afterMs)
else
  probe = math.max(tonumber(probe), now + told.afterMs)
end
redis.call('HSET', circuit, 'step', ms(step), 'probe', ms(probe))
if not by or not told.isUntried then
  redis.call('HSET', circuit, 'reason', told.reason)
end
-- With no job left that would try it, a circuit does not stay open.
redis.call('PEXPIRE', circuit, ms(math.max(probe - now, 0) + 2 * told.lastMs + told.probeJobMs))
hold(circuit, held, told.score, told.jobId)
return { 'held', by and 0 or 1 }
