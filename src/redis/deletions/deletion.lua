-- What the scripts share that concern deletions. A user's name, a hash of its clientId or its UserId, leads to the id of the
-- deletion that we schedule under it; a small key by that name exists only where there is more to say: how many deletions it
-- has had, and how the last one stood: `go JOBID` (it was sent), `cx MS` (it was cancelled) or `at HASH` (it lies under another
-- name of the user).

--- The number of the name's deletion, the mark, and what the mark is about.
local function nameState(key)
  local number, mark, about = string.match(redis.call('GET', key) or '0', '^(%d+) ?(%a*) ?(.*)$')
  return tonumber(number), mark, about
end

--- A job id is used once: the event of a later deletion must not bear the id of an earlier one's.
local function deletionId(hash, number)
  return number == 0 and 'del-' .. hash or string.format('del-%s-%d', hash, number)
end

--- Never for a shorter time than is already due: a deletion may be pending for years.
local function keepName(key, number, mark, keepS)
  redis.call('SET', key, number .. mark, 'EX', math.max(redis.call('TTL', key), tonumber(keepS)))
end

--- `cx`: cancelled; `go`: the DELETE may have been sent; `ats`: it has run.
local function deletionOf(base, jobId)
  local job = redis.call('HMGET', base .. jobId, 'timestamp', 'finishedOn', 'go', 'cx', 'ats')
  return { exists = job[1], isOver = job[2], hasGone = job[3], isCancelled = job[4], hasRun = job[5], timestamp = job[1] }
end

--- Whether it may still be carried out, and nobody has cancelled it.
local function isLive(job)
  return job.exists and not job.isOver and not job.isCancelled
end

local function hasFailed(base, jobId)
  return redis.call('ZSCORE', base .. 'failed', jobId)
end

--- How a deletion stands that may have been sent: of one that has failed since, nobody knows what it did.
local function sent(base, jobId)
  local job = deletionOf(base, jobId)
  return job.exists and (not job.isOver or hasFailed(base, jobId)) and 'too-late' or 'done'
end

--- The name under which the deletion lies.
local function follow(key, hash)
  local _, mark, about = nameState(key)
  if mark == 'at' then
    return string.sub(key, 1, #key - #hash) .. about, about
  end
  return key, hash
end

--- Redis' own clock, as text.
local function clock()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

--- Cancels a job that has not gone; whoever takes it next ends it.
local function withdraw(base, jobId)
  redis.call('HSET', base .. jobId, 'cx', clock())
  promote(base, { base, jobId })
end
