-- Which run has a user, and which job is next. A lock is a lease by Redis' clock in the user's record: lockJob, lockRun, lockStalls (how
-- often the job had stalled when that run began), lockUntil, and lockSettled from when the job is settled until its event is published. A
-- job that finds its user locked enters the set `:blocked` beside the record, by version; nextJob is the one that was promoted last, and
-- until nextUntil the user is kept for it.

--- 'free' | 'lost': a newer run of this job has it | 'held', ms left | 'unpublished': its job is settled, and its event may be missing.
local function lockState(record, job)
  if not record.lockJob or record.lockRun == job.run then
    return 'free'
  end
  if record.lockJob == job.jobId then
    local stalls = tonumber(record.lockStalls)
    -- A run that ended by itself is over; one that was cut off may still have a request on its way.
    if job.stalls <= stalls then
      return job.stalls == stalls and 'free' or 'lost'
    end
  end
  local left = tonumber(record.lockUntil) - now
  if left > 0 then
    return 'held', left
  end
  return record.lockSettled and record.lockJob ~= job.jobId and 'unpublished' or 'free'
end

local function isKeptForAnother(record, jobId)
  return record.nextJob and record.nextJob ~= jobId and tonumber(record.nextUntil) > now
end

local function isFree(record, job)
  return lockState(record, job) == 'free' and not isKeptForAnother(record, job.jobId)
end

--- What the record says of a run that takes its user.
local function lockOf(job)
  return { lockJob = job.jobId, lockRun = job.run, lockStalls = ms(job.stalls), lockUntil = ms(now + settings.leaseMs) }
end

local function lineOf(name)
  return keyOf(name) .. ':blocked'
end

local function lineUp(name, job)
  redis.call('ZADD', lineOf(name), job.score, job.jobId)
  refresh(lineOf(name))
end

--- The job with the lowest version; of equal times the queue's own order, which counts its ids. Redis lists them in the order of bytes:
--- the first of the shortest is the lowest.
local function oldestOf(line)
  local first = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
  local oldest = first[1]
  if oldest then
    for _, jobId in ipairs(redis.call('ZRANGEBYSCORE', line, first[2], first[2])) do
      if #jobId < #oldest then
        oldest = jobId
      end
    end
  end
  return oldest
end

--- Has the job promoted; if it was first in the line of a user, that user is kept for it.
local function wake(jobId, name)
  wakes[#wakes + 1] = (name or '') .. ' ' .. jobId
end

local function keepFor(jobId, name)
  redis.call('HSET', keyOf(name), 'nextJob', jobId, 'nextUntil', ms(now + settings.leaseMs))
end

--- The user is free: the oldest blocked job is next.
local function wakeNext(name)
  local oldest = oldestOf(lineOf(name))
  if oldest then
    redis.call('ZREM', lineOf(name), oldest)
    keepFor(oldest, name)
    -- Without a lock nothing may have been left of it.
    refreshUser(name)
    wake(oldest, name)
  end
end

--- The job does not take the user that is kept for it.
local function passOn(name, jobId)
  if recordOf(name).nextJob == jobId then
    drop(name, 'nextJob', 'nextUntil')
    wakeNext(name)
  end
end

local function unlock(name)
  redis.call('HDEL', keyOf(name), 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'lockSettled', 'nextJob', 'nextUntil')
  wakeNext(name)
end

--- No job is blocked in order behind a record that moves: each looks for its user anew.
local function wakeAll(name)
  for _, jobId in ipairs(redis.call('ZRANGE', lineOf(name), 0, -1)) do
    wake(jobId)
  end
  redis.call('DEL', lineOf(name))
end
