-- Removes failed jobs and what is kept of them. A job that is not where it was seen, because somebody else has retried or
-- removed it, is left alone.
--   KEYS: 1 the failed set
--   ARGV: 1 base of the jobs' keys, 2 base of the settlements' keys, then of each job its id and its score
--   Answers how many were removed
local failed, base, settledBase = KEYS[1], ARGV[1], ARGV[2]
local dropped = 0
for i = 3, #ARGV, 2 do
  local jobId, seen = ARGV[i], tonumber(ARGV[i + 1])
  if tonumber(redis.call('ZSCORE', failed, jobId)) == seen then
    if removeJob(base, { jobId, '0', base }) == 1 then
      redis.call('DEL', settledBase .. jobId)
      dropped = dropped + 1
    end
  end
end
return dropped
