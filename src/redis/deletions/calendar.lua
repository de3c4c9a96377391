-- How many jobs are due within each span of time, and how many of some of them are deletions. Looks at a bounded number of
-- jobs whatever their total, and changes nothing.
--   KEYS: 1 the delayed jobs
--   ARGV: 1 base of the jobs' keys, 2 how many to look at in each span, 3… where the spans end, as scores, in order; the last
--         one has no end
--   Answers for each span {jobs, how many were looked at, how many of those are deletions}
local delayed, base, most = KEYS[1], ARGV[1], tonumber(ARGV[2])

local function isDeletion(id)
  local job = redis.call('HMGET', base .. id, 'name', 'cx')
  return job[1] == 'delete-user' and not job[2]
end

--- Spread evenly: jobs that are due together were mostly added together, and are alike.
local function lookAt(from, jobs)
  local looked = math.min(jobs, most)
  local deletions = 0
  for i = 0, looked - 1 do
    local rank = from + math.floor((i + 0.5) * jobs / looked)
    local id = redis.call('ZRANGE', delayed, rank, rank)[1]
    if id and isDeletion(id) then
      deletions = deletions + 1
    end
  end
  return { jobs, looked, deletions }
end

local spans, from = {}, 0
for i = 3, #ARGV + 1 do
  local to = ARGV[i] and redis.call('ZCOUNT', delayed, '-inf', '(' .. ARGV[i]) or redis.call('ZCARD', delayed)
  spans[#spans + 1] = lookAt(from, to - from)
  from = to
end
return spans
