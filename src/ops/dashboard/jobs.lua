-- Reads fields of some jobs. What is large is not read: anybody may have added anything.
--   KEYS: 1 of the queue, so that all its jobs are in the same slot
--   ARGV: 1 base of the jobs' keys, 2 the largest field to read, 3 how many fields, their names, the jobs' ids
--   Answers for each job its fields, in order: text, nothing, or 1 where it is too large; no list where there is no such job
local base, largest, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local jobs = {}
for i = 4 + count, #ARGV do
  local key = base .. ARGV[i]
  local fields = false
  if redis.call('TYPE', key).ok == 'hash' then
    fields = {}
    for f = 4, 3 + count do
      local isLarge = redis.call('HSTRLEN', key, ARGV[f]) > largest
      fields[#fields + 1] = isLarge and 1 or redis.call('HGET', key, ARGV[f])
    end
  end
  jobs[#jobs + 1] = fields
end
return jobs
