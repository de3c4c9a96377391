-- Puts failed jobs back to the end of the line as if they had never run: their data, id and timestamp stay, and with them
-- their version. A job that is not where it was seen, because somebody else has retried or removed it, is left alone.
--   KEYS: 1 the failed set
--   ARGV: 1 base of the jobs' keys, 2 base of the settlements' keys, then of each job its id and its score
--   Answers how many were put back
local failed, base, settledBase = KEYS[1], ARGV[1], ARGV[2]
local retried = 0
for i = 3, #ARGV, 2 do
  local jobId, seen = ARGV[i], tonumber(ARGV[i + 1])
  if tonumber(redis.call('ZSCORE', failed, jobId)) == seen then
    -- Or the next run would be told how the last one ended, and fail for it.
    redis.call('DEL', settledBase .. jobId)
    -- What an operator has refused is wanted after all.
    redis.call('HDEL', base .. jobId, 'br')
    if redis.call('HGET', base .. jobId, 'go') then
      redis.call('HSET', base .. jobId, 'rt', 1)
    end
    if reprocessJob(base, { jobId, 'LPUSH', 'failedReason', 'failed', '1', '1' }) == 1 then
      retried = retried + 1
    end
  end
end
return retried
