-- The run that was to try a circuit is over.
--   KEYS: 1 the circuit
--   ARGV: 1 as JSON {clockMs?, jobId, hasPassed: whether Damoov let it pass}
--   Answers for how many ms the circuit was open, if this has closed it
local told = cjson.decode(ARGV[1])
local since, probeJob = unpack(redis.call('HMGET', KEYS[1], 'since', 'probeJob'))
if told.hasPassed then
  redis.call('DEL', KEYS[1])
  return since and nowMs(told.clockMs) - tonumber(since)
end
if probeJob == told.jobId then
  dismiss(KEYS[1])
end
return nil
