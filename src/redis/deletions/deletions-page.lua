-- Reads deletions off the delayed jobs, the next due first, from behind a place on. The place is a score and a job, so that
-- it stays where it is while jobs come and go around it, the one that it names included. Changes nothing.
--   KEYS: 1 the delayed jobs
--   ARGV: 1 base of the jobs' keys, 2 score of the place, 3 its job, or none: before the first of that score, 4 the last
--         score to read, 5 how many jobs to look at, 6 the largest data to look into
--   Answers {score, jobId} of the last one looked at, or nothing at the end, the deletions, each as
--           {jobId, score, requested in ms, instance, clientId, userId}, and how many more there are whose data cannot be read
local delayed, base, score, jobId = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local lastScore, mostJobs, mostData = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local rank = rankBehind(delayed, score, jobId)
local found = redis.call('ZRANGE', delayed, rank, rank + mostJobs - 1, 'WITHSCORES')
local place, entries, unreadable = {}, {}, 0
for i = 1, #found, 2 do
  if tonumber(found[i + 1]) > lastScore then
    return { {}, entries, unreadable }
  end
  local entry, isUnreadable = entryOf(base, found[i], found[i + 1], mostData)
  if isUnreadable then
    unreadable = unreadable + 1
  end
  entries[#entries + 1] = entry
  place = { found[i + 1], found[i] }
end
return { place, entries, unreadable }
