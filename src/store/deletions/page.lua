-- Reads the index from behind a place on, the next due first. The place is a due time and a job, so that it stays where it is while
-- others come and go around it, the one that it names included. Leaves everything as it was.
--   KEYS: 1 the index
--   ARGV: 1 as JSON {dueAt in ms, jobId, which sorts before all others where it is empty: before the first of that time, count}
--   Answers {jobId, due in ms, …}
local asked, index = cjson.decode(ARGV[1]), KEYS[1]

local function rankBehindPlace()
  local was = redis.call('ZSCORE', index, asked.jobId)
  redis.call('ZADD', index, asked.dueAt, asked.jobId)
  local rank = redis.call('ZRANK', index, asked.jobId)
  if not was then
    redis.call('ZREM', index, asked.jobId)
    return rank
  end
  redis.call('ZADD', index, was, asked.jobId)
  -- One that was moved since lies elsewhere, and leaves no gap.
  return tonumber(was) > asked.dueAt and rank or rank + 1
end

local rank = rankBehindPlace()
return redis.call('ZRANGE', index, rank, rank + asked.count - 1, 'WITHSCORES')
