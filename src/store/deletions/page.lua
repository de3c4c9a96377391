-- Reads the index from behind a place on, the next due first. The place is a due time and a job, so that it stays where it is while
-- others come and go around it, that job included. Leaves everything as it was.
--   KEYS: 1 the index
--   ARGV: 1 as JSON {dueAt in ms, jobId: '' stands before all others of that time, count}
--   Answers {jobId, due in ms, …}
local asked, index = cjson.decode(ARGV[1]), KEYS[1]
-- No job id lies between this one and that of the job.
local mark = asked.jobId .. '\0'
redis.call('ZADD', index, asked.dueAt, mark)
local rank = redis.call('ZRANK', index, mark)
redis.call('ZREM', index, mark)
return redis.call('ZRANGE', index, rank, rank + asked.count - 1, 'WITHSCORES')
