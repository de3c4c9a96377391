-- Puts failed jobs back to the end of the line as if they had never run: their data, id and timestamp stay, and with them
-- their version. A job that is not where it was seen, because somebody else has retried or removed it, is left alone.
--   KEYS: 1 the failed set, 2 wait, 3 meta, 4 active, 5 marker, 6 prioritized, 7 priority counter, 8 events
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
    local keys = { base .. jobId, KEYS[8], failed, KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7] }
    if reprocessJob(keys, { jobId, 'LPUSH', 'failedReason', 'failed', '1', '1' }) == 1 then
      retried = retried + 1
    end
  end
end
return retried
