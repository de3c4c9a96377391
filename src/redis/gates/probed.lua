-- The run that was to try a gate is over.
--   KEYS: 1 the gate
--   ARGV: 1 jobId, 2 '1' where Damoov let it pass
--   Answers since when the gate was shut, where this has opened it
local gate = KEYS[1]
if ARGV[2] == '1' then
  local since = redis.call('HGET', gate, 'since')
  redis.call('DEL', gate)
  return since
end
if redis.call('HGET', gate, 'scout') == ARGV[1] then
  dismiss(gate)
end
return nil
