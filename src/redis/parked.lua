-- What the scripts share that put jobs aside, for a user or a gate, and bring them back. Such a job bears the mark `pk`: another job may
-- come to bear its id, and must not be woken in its place.

--- Puts a job aside that the caller's lock holds; no attempt is spent. False where it is the caller's no more.
local function park(jobsBase, jobId, token, now, delayMs)
  local delay = string.format('%.0f', delayMs)
  if moveToDelayed(jobsBase, { jobsBase, now, jobId, token, delay, '1', '', '0', '' }) ~= 0 then
    return false
  end
  redis.call('HSET', jobsBase .. jobId, 'pk', 1)
  return true
end

--- Brings a job back. False where it was removed, or something else has woken it.
local function unpark(jobsBase, jobId)
  return redis.call('HGET', jobsBase .. jobId, 'pk') and promote(jobsBase, { jobsBase, jobId }) == 0
end

--- Brings a job back for which its user is kept: with the priority of a bulk job it would come back behind all the others of the
--- import, and every live job of this user would wait as long.
local function unparkNext(jobsBase, jobId)
  if redis.call('HGET', jobsBase .. jobId, 'pk') then
    redis.call('HSET', jobsBase .. jobId, 'priority', 0)
  end
  return unpark(jobsBase, jobId)
end
