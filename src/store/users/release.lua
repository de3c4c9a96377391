-- The event of a settled job is published: its user is free, and the next blocked job may begin.
--   KEYS: 1 the job's settlement
--   ARGV: 1 as JSON {base: of the records' keys, place: of the user, or '', jobId, leaseMs, keepSeconds, keepsSettlement: whether the job
--         may come again, erased: versions of failed jobs of which only ids are left}
--   Answers the jobs to promote
local told = cjson.decode(ARGV[1])
local wakes = {}
if told.place ~= '' then
  local key = told.base .. told.place
  local lock = redis.call('HMGET', key, 'lockJob', 'lockSettled')
  if lock[1] == told.jobId and lock[2] then
    wakes[1] = reserved(told.place, unlock(key, told))
  end
  if #told.erased > 0 then
    redis.call('ZREM', key .. ':failures', unpack(told.erased))
  end
end
if told.keepsSettlement then
  redis.call('HDEL', KEYS[1], 'event')
else
  redis.call('DEL', KEYS[1])
end
return wakes
