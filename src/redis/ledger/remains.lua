-- What is left of a job that is settled, and of the failed jobs of a user that is deleted. Beside a user's record lies the set
-- of its failed jobs, by the ms of their version.

--- As the queue orders equal times: ids that it counted by their number and first, the others by their letters.
local function comesBefore(one, other)
  local isCounted = not string.find(one, '%D')
  if isCounted ~= not string.find(other, '%D') then
    return isCounted
  end
  if isCounted and #one ~= #other then
    return #one < #other
  end
  return one < other
end

--- Writes what is left of the job and, where it has not failed, how it ended; of another job that was given its id since, nothing.
local function reduce(jobKey, left, lockKey, token, settlement)
  local timestamp = redis.call('HGET', jobKey, 'timestamp')
  if timestamp == left.timestamp or (timestamp and redis.call('GET', lockKey) == token) then
    redis.call('HSET', jobKey, 'name', left.name, 'data', left.data, unpack(left.hasFailed and {} or { 'settled', settlement }))
  end
end

--- Remembers a job that failed; one that ended otherwise, after it was run again, is no failed one any more.
local function remember(key, jobId, version, hasFailed, keepS)
  local failed = key .. ':failed'
  if not hasFailed then
    redis.call('ZREM', failed, jobId)
    return
  end
  redis.call('ZADD', failed, string.match(version, '^%S+'), jobId)
  redis.call('ZREMRANGEBYRANK', failed, 0, -MOST_FAILED - 1)
  redis.call('EXPIRE', failed, keepS)
end

--- A job that could not be read is remembered under the name that it gave, which may lead to the record only since.
local function gatherFailed(base, place, names, keepS)
  for _, name in ipairs(names) do
    local leadsHere = redis.call('HGET', base .. name, 'at') == place
    if name ~= place and (leadsHere or redis.call('EXISTS', base .. name) == 0) then
      moveFailed(base .. name, base .. place, keepS)
    end
  end
end

--- The user was deleted: what older failed jobs said is erased. One that was put back is on its way to be superseded.
local function bury(key, deletion, jobsBase, ownId)
  local failed = key .. ':failed'
  local ms, deletionId = string.match(deletion, '^(%S+) %S+ (.*)$')
  local older = redis.call('ZRANGEBYSCORE', failed, '-inf', '(' .. ms)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', failed, ms, ms)) do
    -- At equal times a deletion comes last.
    if redis.call('HGET', jobsBase .. id, 'name') ~= 'delete-user' or comesBefore(id, deletionId) then
      table.insert(older, id)
    end
  end
  for _, id in ipairs(older) do
    local jobKey = jobsBase .. id
    local data = redis.call('HGET', jobKey, 'data')
    if data and (id == ownId or redis.call('ZSCORE', jobsBase .. 'failed', id)) then
      -- As it was written when the job was sealed: its proof stays, as nobody but a worker can have written that.
      local erased, count = string.gsub(data, '"sealed":"(1%.[%w_-]+%.)[^"]*"}$', '"sealed":"%1"}')
      if count == 1 then
        redis.call('HSET', jobKey, 'data', erased)
      end
    end
    redis.call('ZREM', failed, id)
  end
end
