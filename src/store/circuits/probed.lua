-- The run that was to try a circuit is over.
--   KEYS: 1 the circuit
--   ARGV: 1 as JSON {jobId, hasPassed: whether Damoov let it pass}
--   Answers since when the circuit was open, where this has closed it
local told = cjson.decode(ARGV[1])
if told.hasPassed then
  local since = redis.call('HGET', KEYS[1], 'since')
  redis.call('DEL', KEYS[1])
  return since
end
if redis.call('HGET', KEYS[1], 'scout') == told.jobId then
  dismiss(KEYS[1])
end
return nil
