-- Which run has a user, and which job is next. A lock is a lease by Redis' clock in the user's record: lockJob, lockRun, lockStalls (how
-- often the job had stalled when that run began), lockUntil, and lockSettled from when the job is settled until its event is published. A
-- job that finds its user locked enters the set `:blocked` beside the record, by version; nextJob is the one that was promoted last, and
-- until nextUntil the user is reserved for it.

--- 'free' | 'lost': a newer run of this job has it | 'locked', ms left | 'unpublished': its job is settled, and its event may be missing.
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
    return 'locked', left
  end
  return record.lockSettled and record.lockJob ~= job.jobId and 'unpublished' or 'free'
end

local function isReservedForAnother(record, jobId)
  return record.nextJob and record.nextJob ~= jobId and tonumber(record.nextUntil) > now
end

local function isFree(record, job)
  return lockState(record, job) == 'free' and not isReservedForAnother(record, job.jobId)
end

--- What the record says of a run that takes its user.
local function lockOf(job)
  return { lockJob = job.jobId, lockRun = job.run, lockStalls = ms(job.stalls), lockUntil = ms(now + settings.leaseMs) }
end

local function blockedKeyOf(id)
  return keyOf(id) .. ':blocked'
end

local function addBlocked(id, job)
  redis.call('ZADD', blockedKeyOf(id), job.score, job.jobId)
  refresh(blockedKeyOf(id))
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

--- Has the caller promote the job; if the user of a record is reserved for it, the caller says so where it cannot be promoted.
local function promote(jobId, id)
  promotions[#promotions + 1] = (id or '') .. ' ' .. jobId
end

local function reserveFor(jobId, id)
  redis.call('HSET', keyOf(id), 'nextJob', jobId, 'nextUntil', ms(now + settings.leaseMs))
end

--- The user is free: the oldest blocked job is next.
local function promoteNext(id)
  local oldest = oldestOf(blockedKeyOf(id))
  if oldest then
    redis.call('ZREM', blockedKeyOf(id), oldest)
    reserveFor(oldest, id)
    -- Without a lock nothing may have been left of it.
    refreshUser(id)
    promote(oldest, id)
  end
end

--- The job does not lock the user that is reserved for it.
local function declineTurn(id, jobId)
  if recordOf(id).nextJob == jobId then
    drop(id, 'nextJob', 'nextUntil')
    promoteNext(id)
  end
end

local function unlock(id)
  redis.call('HDEL', keyOf(id), 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'lockSettled', 'nextJob', 'nextUntil')
  promoteNext(id)
end

--- No job is blocked in order behind a record that moves: each looks for its user anew.
local function promoteAll(id)
  for _, jobId in ipairs(redis.call('ZRANGE', blockedKeyOf(id), 0, -1)) do
    promote(jobId)
  end
  redis.call('DEL', blockedKeyOf(id))
end
