-- Adds the jobs of rows and notes how far the import has come, in one step: a row is never added twice, nor noted and not added.
-- Adds no more than there is room for.
--   KEYS: 1 the import, 2 the prioritized jobs, then the jobs before each gate
--   ARGV: 1 the run, 2 where the rows begin, 3 how many jobs may wait, 4 the highest score of a delayed job that counts, 5 seconds
--         to keep, 6 where the rows end, 7 base of the jobs' keys, then of each job where it is, and 3 of BullMQ's addPrioritizedJob
--   Answers {'over', the run that has the import, or ''} | {'moved', where it stands} | {'added', where it stands, how many wait}
local key, run, base = KEYS[1], ARGV[1], ARGV[7]
local owner, at = unpack(redis.call('HMGET', key, 'run', 'at'))
if owner ~= run then
  return { 'over', owner or '' }
end
if at ~= ARGV[2] then
  return { 'moved', at }
end

local waiting = redis.call('ZCOUNT', base .. 'delayed', '-inf', ARGV[4])
for _, list in ipairs({ 'wait', 'paused', 'active' }) do
  waiting = waiting + redis.call('LLEN', base .. list)
end
for i = 2, #KEYS do
  waiting = waiting + redis.call('ZCARD', KEYS[i])
end

local time = redis.call('TIME')
local jobs = (#ARGV - 7) / 4
local room = math.min(jobs, math.max(0, tonumber(ARGV[3]) - waiting))
for i = 1, room do
  local from = 4 + 4 * i
  local added = addPrioritizedJob(base, { unpack(ARGV, from + 1, from + 3) })
  if type(added) == 'number' and added < 0 then
    return redis.error_reply('a job was not added: ' .. added)
  end
  -- Its timestamp is that of the whole import.
  redis.call('HSET', base .. added, 'queuedAt', time[1] .. string.sub(string.format('%06d', time[2]), 1, 3))
  -- Each by itself: should Redis refuse to write on, what was written is noted.
  at = ARGV[from]
  redis.call('HSET', key, 'at', at)
end
if room == jobs and at ~= ARGV[6] then
  at = ARGV[6]
  redis.call('HSET', key, 'at', at)
end
redis.call('EXPIRE', key, ARGV[5])
return { 'added', at, waiting + room }
