-- The jobs that are next in line, of which one has waited longest: the next of those without a priority, and the next of each priority.
-- Changes nothing.
--   KEYS: 1 the jobs without a priority, 2 the prioritized ones
--   ARGV: 1 base of the jobs' keys, 2 the most priorities to look at
--   Answers of each {timestamp, options, when it was put in line}
local base, most = ARGV[1], tonumber(ARGV[2])
-- BullMQ's score of a prioritized job is its priority times this, and a counter.
local PER_PRIORITY = 2 ^ 32

local function lineOf(jobId)
  local job = redis.call('HMGET', base .. jobId, 'timestamp', 'opts', 'queuedAt')
  return { job[1] or '', job[2] or '', job[3] or '' }
end

local next = {}
local first = redis.call('LRANGE', KEYS[1], -1, -1)[1]
if first then
  next[1] = lineOf(first)
end
local from = '-inf'
for _ = 1, most do
  local head = redis.call('ZRANGEBYSCORE', KEYS[2], from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not head[1] then
    break
  end
  next[#next + 1] = lineOf(head[1])
  from = string.format('%.0f', (math.floor(tonumber(head[2]) / PER_PRIORITY) + 1) * PER_PRIORITY)
end
return next
