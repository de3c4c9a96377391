-- Decides over deletions that the brake holds: marks them, and lets them go. Where nothing is held any more, the brake opens.
--   KEYS: 1 the gate, 2 the jobs before it
--   ARGV: 1 base of the jobs' keys, 2 'release' | 'refuse', then the ids of jobs
--   Answers how many were let go
local gate, held = KEYS[1], KEYS[2]
local base, decision = ARGV[1], ARGV[2]
local decided = 0
for i = 3, #ARGV do
  local jobId = ARGV[i]
  if redis.call('ZSCORE', held, jobId) then
    if redis.call('EXISTS', base .. jobId) == 1 then
      redis.call('HSET', base .. jobId, 'br', decision)
    end
    if release(held, jobId, base) then
      decided = decided + 1
    end
  end
end
if redis.call('ZCARD', held) == 0 then
  redis.call('DEL', gate)
end
return decided
