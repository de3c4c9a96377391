-- Who has a user, and who is next. A lock is a lease by Redis' clock in the user's record: lockJob, lockRun, lockStalls (how often the
-- job had stalled when that run began), lockUntil, and lockSettled from when the job is settled until its event is published. A job
-- that finds its user locked enters the set `:blocked` beside the record, by version; nextJob is the one that was woken last, and until
-- nextUntil the user is kept for it.

--- 'free' | 'lost': a newer run of this job has it | 'held', ms left | 'unpublished': its job is settled, and its event may be missing.
local function lockState(record, job, now)
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

local function isKeptForAnother(record, jobId, now)
  return record.nextJob and record.nextJob ~= jobId and tonumber(record.nextUntil) > now
end

--- What a record is told when a run takes its user.
local function lockOf(job, now)
  return { lockJob = job.jobId, lockRun = job.run, lockStalls = ms(job.stalls), lockUntil = ms(now + job.leaseMs) }
end

--- The job with the lowest version; of equal times the queue's own order, which counts its ids.
local function oldestOf(blocked)
  local first = redis.call('ZRANGE', blocked, 0, 0, 'WITHSCORES')
  local oldest = first[1]
  if oldest then
    for _, jobId in ipairs(redis.call('ZRANGEBYSCORE', blocked, first[2], first[2])) do
      if #jobId < #oldest or (#jobId == #oldest and jobId < oldest) then
        oldest = jobId
      end
    end
  end
  return oldest
end

--- Takes the oldest blocked job out of the line and keeps the user for it: the caller has to promote it. Nothing where none is blocked;
--- the user must be kept for nobody then.
local function takeNext(key, told)
  local oldest = oldestOf(key .. ':blocked')
  if not oldest then
    return nil
  end
  redis.call('ZREM', key .. ':blocked', oldest)
  redis.call('HSET', key, 'nextJob', oldest, 'nextUntil', ms(nowMs() + told.leaseMs))
  -- Without a lock nothing may have been left of it.
  redis.call('EXPIRE', key, told.keepSeconds)
  return oldest
end

--- How a job is named that the caller is to promote: with the place whose user is kept for it, or none.
local function reserved(place, jobId)
  return jobId and place .. ' ' .. jobId
end

--- Lets the user go, and answers the job to be promoted.
local function unlock(key, told)
  redis.call('HDEL', key, 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'lockSettled', 'nextJob', 'nextUntil')
  return takeNext(key, told)
end

--- Nobody is blocked in order behind a record that moves: every job looks for its user anew. Answers the jobs to be promoted.
local function takeAll(key)
  local all = redis.call('ZRANGE', key .. ':blocked', 0, -1)
  redis.call('DEL', key .. ':blocked')
  return all
end
