-- The event of a settled job is published: its user is free, and the next blocked job may begin.
--   KEYS: 1 how the job ended
--   ARGV: 1 as JSON {recordId: of the user, or '', jobId, keepsOutcome: whether the job may come again, erased: versions of failed jobs of
--         which only ids are left}
--   Answers the jobs to promote
local request = cjson.decode(ARGV[1])
if request.recordId ~= '' then
  local lock = redis.call('HMGET', keyOf(request.recordId), 'lockJob', 'lockSettled')
  if lock[1] == request.jobId and lock[2] then
    unlock(request.recordId)
  end
  if #request.erased > 0 then
    redis.call('ZREM', failuresOf(request.recordId), unpack(request.erased))
  end
end
if request.keepsOutcome then
  local settled, who, outcome = stored(KEYS[1])
  if settled then
    store(KEYS[1], who, outcome, '', 'KEEPTTL')
  end
else
  redis.call('DEL', KEYS[1])
end
return promotions
