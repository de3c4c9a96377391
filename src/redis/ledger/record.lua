-- What begin and settle share: how a user's record is reached, who holds it, who is woken next, why a job comes again. It compares no versions.
-- Keys that only a record names (pointers, the locks of owners) are not declared: the prefix keeps all in one slot.

--- The hash under which the record lies: a pointer leads there, in one step.
local function recordOf(base, hash)
  return redis.call('HGET', base .. hash, 'at') or hash
end

--- A job holds its user as long as it holds its BullMQ lock: there is no other lease.
local function isAlive(jobsBase, owner)
  if not owner then
    return false
  end
  local jobId, token = string.match(owner, '^(.*) (%S+)$')
  return redis.call('GET', jobsBase .. jobId .. ':lock') == token
end

--- Redis' own clock: the workers' may differ.
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

--- Whether a job that has failed comes again because its run was cut off before the queue knew, and not because somebody put it back.
--- Each time that it stalls counts once, and for one run: who puts it back later wants it decided anew.
local function wasCutOff(jobKey, run, stalls, settledStalls)
  local toldStalls, toldRun = string.match(redis.call('HGET', jobKey, 'tl') or '', '^(%d+) (.*)$')
  if toldRun == run then
    return true
  end
  if stalls <= math.max(settledStalls, tonumber(toldStalls or '0')) then
    return false
  end
  redis.call('HSET', jobKey, 'tl', string.format('%d %s', stalls, run))
  return true
end

local function part(list, from, count)
  return { unpack(list, from, from + count - 1) }
end

--- The job that waits with the lowest version; of equal times the queue's own order, which counts its ids.
local function oldestOf(waiting)
  local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
  local oldest = first[1]
  if oldest then
    for _, jobId in ipairs(redis.call('ZRANGEBYSCORE', waiting, first[2], first[2])) do
      if #jobId < #oldest or (#jobId == #oldest and jobId < oldest) then
        oldest = jobId
      end
    end
  end
  return oldest
end

--- Wakes the oldest job that waits for the user, and keeps the user for it until it comes or `reserveMs` are over. False where
--- nobody waits: then the user is nobody's `next` any more, which the caller has to write down.
local function wakeOldest(key, jobsBase, reserveMs)
  local waiting = key .. ':waiting'
  while true do
    local oldest = oldestOf(waiting)
    if not oldest then
      return false
    end
    redis.call('ZREM', waiting, oldest)
    -- Not delayed any more: it was removed, or its own timer has woken it. Or it is another job, which bears the id now.
    if unparkNext(jobsBase, oldest) then
      redis.call('HSET', key, 'next', string.format('%s %.0f', oldest, nowMs() + reserveMs))
      return true
    end
  end
end

--- Nobody waits in order behind a record that moves: every job looks for its user anew.
local function wakeAll(key, jobsBase)
  local waiting = key .. ':waiting'
  for _, jobId in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
    unpark(jobsBase, jobId)
  end
  redis.call('DEL', waiting)
end

--- So many failed jobs are remembered of a user.
local MOST_FAILED = 100

--- The failed jobs of one record become another's as well.
local function moveFailed(from, to, keepS)
  local fromKey, toKey = from .. ':failed', to .. ':failed'
  if fromKey ~= toKey and redis.call('EXISTS', fromKey) == 1 then
    redis.call('ZUNIONSTORE', toKey, 2, toKey, fromKey, 'AGGREGATE', 'MAX')
    redis.call('ZREMRANGEBYRANK', toKey, 0, -MOST_FAILED - 1)
    redis.call('EXPIRE', toKey, keepS)
    redis.call('DEL', fromKey)
  end
end
