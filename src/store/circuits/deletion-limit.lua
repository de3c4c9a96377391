-- What an operator decides over deletions that the limit holds: first it is noted, and once their jobs were brought forward they are
-- held no more. If none is held any more, the circuit closes.
--   KEYS: 1 the circuit, 2 the jobs that it holds
--   ARGV: 1 as JSON {step: 'note' | 'forget', decision: 'release' | 'refuse', jobIds, keys: where each decision is noted, keepS: seconds to
--         keep it}
--   Answers the ids of those that are held, to note
local asked = cjson.decode(ARGV[1])
local held = {}
for i, jobId in ipairs(asked.jobIds) do
  if asked.step == 'forget' then
    redis.call('ZREM', KEYS[2], jobId)
  elseif redis.call('ZSCORE', KEYS[2], jobId) then
    redis.call('SET', asked.keys[i], asked.decision, 'EX', asked.keepS)
    table.insert(held, jobId)
  end
end
if asked.step == 'forget' and redis.call('ZCARD', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[1])
end
return held
