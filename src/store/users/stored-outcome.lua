-- How a job ended: a text by the job's id, until the job has completed. Three lines, JSON each: which run has settled it, {run, stalls,
-- timestamp, user, hasFailed, isKept?, sequence, previous}; the outcome; the event, until it is published.

--- The first line, decoded, and the three as they are; nothing if the job has not ended.
local function stored(key)
  local who, outcome, event = string.match(redis.call('GET', key) or '', '^(.-)\n(.-)\n(.*)$')
  return who and cjson.decode(who), who, outcome, event
end

local function store(key, who, outcome, event, ...)
  redis.call('SET', key, who .. '\n' .. outcome .. '\n' .. event, ...)
end

--- How the job ended before, and the user, if that holds for this run. A failed one was retried by hand if it comes again without
--- having stalled since; each time that it stalls counts once.
local function storedOutcome(key, job)
  local settled, _, outcome, event = stored(key)
  if not settled then
    return nil
  end
  -- A job of which Redis has lost all but the id tells no timestamp.
  local isSame = settled.timestamp == job.timestamp or job.timestamp == '0' or settled.isKept
  local isDone = event ~= '' or not settled.hasFailed or settled.run == job.run
  if isSame and settled.run ~= job.run and job.stalls > settled.stalls then
    settled.run, settled.stalls, isDone = job.run, job.stalls, true
    store(key, cjson.encode(settled), outcome, event, 'KEEPTTL')
  end
  if isSame and isDone then
    return redis.call('GET', key), settled.user
  end
  -- It is to be decided anew, or it is another job that was given the id of one that is gone.
  redis.call('DEL', key)
  return nil
end

--- The version of the user's deletion, and those of its failed jobs that may be older; empty if the user was not deleted.
local function olderFailures(id)
  local deleted = redis.call('HGET', keyOf(id), 'deleted')
  if not deleted then
    return {}
  end
  return { deleted, unpack(redis.call('ZRANGEBYSCORE', failuresOf(id), '-inf', scoreOf(deleted))) }
end

--- Remembers a job that failed; one that ended otherwise, after it was run again, is no failed one any more. A job that could not be
--- read is remembered under the id that it gave, which may point to the record only since.
local function remember(settlement, recordId)
  if settlement.hasFailed then
    redis.call('ZADD', failuresOf(recordId), scoreOf(settlement.version), settlement.version)
    trimFailures(recordId)
  else
    redis.call('ZREM', failuresOf(recordId), settlement.version)
  end
  if redis.call('HEXISTS', keyOf(recordId), 'deleted') == 1 then
    for _, id in ipairs(settlement.pointers) do
      if id ~= recordId and (not exists(id) or recordIdOf(id) == recordId) then
        moveFailures(id, recordId)
      end
    end
  end
end

--- Outcomes are counted by the minute.
local function countOutcome(outcome)
  local minute = settings.outcomes .. ms(math.floor(now / 60000))
  if redis.call('HINCRBY', minute, outcome, 1) == 1 then
    redis.call('EXPIRE', minute, settings.keepOutcomesSeconds)
  end
end

--- The tokens of a new user; without a value there are none any more.
local function keepTokens(tokens)
  if tokens.value then
    redis.call('SET', tokens.key, tokens.value, 'EX', tokens.keepSeconds)
  else
    redis.call('DEL', tokens.key)
  end
end
