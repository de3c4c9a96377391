-- Decides over deletions that the brake holds: marks them, and lets them go; the last one opens the brake.
--   KEYS: 1 the gate, 2 the jobs before it, 3-11 of BullMQ's promote
--   ARGV: 1 base of the jobs' keys, 2 'release' | 'refuse', 3 how many of the oldest, then or instead the ids of jobs
--   Answers how many were let go
local gate, held = KEYS[1], KEYS[2]
local base, decision, count = ARGV[1], ARGV[2], tonumber(ARGV[3])
local promoteKeys = { unpack(KEYS, 3, 11) }
local ids = count > 0 and redis.call('ZRANGE', held, 0, count - 1) or { unpack(ARGV, 4) }
local decided = 0
for _, jobId in ipairs(ids) do
  if redis.call('ZSCORE', held, jobId) then
    if redis.call('EXISTS', base .. jobId) == 1 then
      redis.call('HSET', base .. jobId, 'br', decision)
    end
    if release(held, jobId, base, promoteKeys) then
      decided = decided + 1
    end
  end
end
if redis.call('ZCARD', held) == 0 then
  redis.call('DEL', gate)
end
return decided
