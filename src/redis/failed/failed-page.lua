-- Reads failed jobs, oldest first, from behind a place in the failed set on. The place is a score and a member, so that it
-- stays where it is while jobs come and go around it, the one that it names included. Changes nothing.
--   KEYS: 1 the failed set
--   ARGV: 1 base of the jobs' keys, 2 score of the place, 3 its member in hex, or none: before the first of that score,
--         4 the last score to read, 5 the most jobs, 6 the largest data to look into, 7 the most bytes to look into,
--         8 the most bytes of a reason
--   Answers {score, member in hex} of the last one, or nothing at the end, and the jobs, each as
--           {jobId, score, name, instance, reason, attempts, timestamp}
local failed, base = KEYS[1], ARGV[1]
local score, lastScore = ARGV[2], tonumber(ARGV[4])
-- In hex, because a client may turn what is no UTF-8 into something else, and would then never get past it.
local member = string.gsub(ARGV[3], '..', function(hex)
  return string.char(tonumber(hex, 16))
end)
local mostJobs, mostData, mostBytes, mostReason = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

--- Only the name leaves the server: the rest of the data is personal, and large.
local function instanceOf(data)
  local read = readObject(data)
  if not read or not string.find(data, '^%s*{') then
    return 'unknown'
  end
  if read.instance == nil then
    return 'default'
  end
  return type(read.instance) == 'string' and read.instance or 'unknown'
end

local rank = rankBehind(failed, score, member)
local found = redis.call('ZRANGE', failed, rank, rank + mostJobs - 1, 'WITHSCORES')
local page, place, bytes = {}, {}, 0
for i = 1, #found, 2 do
  local jobId, at = found[i], found[i + 1]
  if tonumber(at) > lastScore or bytes > mostBytes then
    break
  end
  local key = base .. jobId
  local size = redis.call('HSTRLEN', key, 'data')
  local instance = 'unknown'
  if size <= mostData then
    bytes = bytes + size
    instance = instanceOf(redis.call('HGET', key, 'data') or '')
  end
  local job = redis.call('HMGET', key, 'name', 'failedReason', 'atm', 'timestamp')
  local reason = string.sub(job[2] or '', 1, mostReason)
  page[#page + 1] = { jobId, at, job[1] or '', instance, reason, job[3] or '', job[4] or '' }
  place = { at, jobId }
end
if place[2] then
  place[2] = string.gsub(place[2], '.', function(byte)
    return string.format('%02x', string.byte(byte))
  end)
end
return { place, page }
