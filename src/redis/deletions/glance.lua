-- How many deletions are pending and when the next is due, from a bounded number of the delayed jobs. Changes nothing.
--   KEYS: 1 the delayed jobs
--   ARGV: 1 base of the jobs' keys, 2 how many to look at
--   Answers {delayed jobs, how many were looked at, how many of those are deletions, score of the first, or nothing}
local delayed, base, most = KEYS[1], ARGV[1], tonumber(ARGV[2])

local function isDeletion(id)
  local job = redis.call('HMGET', base .. id, 'name', 'cx', 'delay')
  return job[1] == 'delete-user' and not job[2] and (tonumber(job[3]) or 0) >= 0
end

local total = redis.call('ZCARD', delayed)
local first = redis.call('ZRANGE', delayed, 0, most - 1, 'WITHSCORES')
local nextDue, deletions = '', 0
for i = 1, #first, 2 do
  if isDeletion(first[i]) then
    deletions = deletions + 1
    if nextDue == '' then
      nextDue = first[i + 1]
      if total > most then
        break
      end
    end
  end
end
if total <= most then
  return { total, total, deletions, nextDue }
end
-- Those in front are no sample: what is due soon is mostly tried again.
deletions = 0
local sample = redis.call('ZRANDMEMBER', delayed, most)
for _, id in ipairs(sample) do
  if isDeletion(id) then
    deletions = deletions + 1
  end
end
return { total, #sample, deletions, nextDue }
