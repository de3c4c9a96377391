-- The failed jobs of a user: beside the record, their versions by the ms of each. What they say is erased once the user is deleted.

--- Remembers a job that failed; one that ended otherwise, after it was run again, is no failed one any more. A job that could not be
--- read is remembered under the name that it gave, which may lead to the record only since.
local function remember(told, place, names)
  local failed = told.base .. place .. ':failures'
  if told.settlement.hasFailed then
    redis.call('ZADD', failed, string.match(told.version, '^%S+'), told.version)
    redis.call('ZREMRANGEBYRANK', failed, 0, -MOST_FAILED - 1)
    redis.call('EXPIRE', failed, told.keepSeconds)
  else
    redis.call('ZREM', failed, told.version)
  end
  if redis.call('HEXISTS', told.base .. place, 'deleted') == 1 then
    for _, name in ipairs(names) do
      local leadsHere = redis.call('HGET', told.base .. name, 'movedTo') == place
      if name ~= place and (leadsHere or redis.call('EXISTS', told.base .. name) == 0) then
        moveFailed(told.base .. name, told.base .. place, told.keepSeconds)
      end
    end
  end
end

--- The version of the user's deletion, where there was one, and those of the failed jobs that may be older.
local function olderFailed(key)
  local deleted = redis.call('HGET', key, 'deleted')
  if not deleted then
    return {}
  end
  return { deleted, unpack(redis.call('ZRANGEBYSCORE', key .. ':failures', '-inf', (string.match(deleted, '^%S+')))) }
end
