-- What settling a job means for deletions. Included by the script that settles, behind name-state; each function takes one table:
--   {saltKey, salt?: of the names, missing if the job names no user, index: key of what is pending, base: of the names' keys,
--    hashes: of the user's names, keepS: seconds to keep a name}, and what the function adds.
-- Order: isOfThisSalt before anything is written, the others with the outcome.

--- Whether the hashes were made with the salt of this Redis; if not, nothing may be written, and the caller makes them anew.
local function isOfThisSalt(asked)
  return not asked.salt or redis.call('GET', asked.saltKey) == asked.salt
end

--- A user has signed up: what is pending for it and was requested before is not wanted any more.
--- Adds {at: ms of the sign-up}.
local function signUpVoids(asked)
  -- Of nearly all users nothing pends, and nothing is known.
  local keys, jobIds = {}, {}
  for i, hash in ipairs(asked.hashes) do
    keys[i], jobIds[i] = asked.base .. hash, 'del-' .. hash
  end
  if #keys == 0 then
    return
  end
  local due = redis.call('ZMSCORE', asked.index, unpack(jobIds))
  if not due[1] and not due[2] and redis.call('EXISTS', unpack(keys)) == 0 then
    return
  end
  for _, name in ipairs(placesOf(asked.base, asked.hashes)) do
    local dueAt = redis.call('ZSCORE', asked.index, name.jobId)
    if dueAt and not isSent(name) then
      redis.call('HSET', name.key, 'returnedAt', math.max(name.returnedAt, asked.at))
      keep(name.key, asked.keepS, tonumber(dueAt))
    end
  end
end

--- A deletion has ended: it pends no more, and whether it was carried out is known from now on.
--- Adds {jobId, decision: key of what an operator has decided over it, ending: 'done' | 'failed' | 'other'}.
local function deletionEnds(asked)
  redis.call('DEL', asked.decision)
  local own, number = ownNameOf(asked.base, asked.jobId)
  redis.call('ZREM', asked.index, asked.jobId)
  if own and number == own.number then
    redis.call('HSET', own.key, 'isOver', 1)
    if own.cancelledJob ~= asked.jobId then
      redis.call('HDEL', own.key, 'cancelledJob')
    end
    keep(own.key, asked.keepS)
  end
  for _, name in ipairs(placesOf(asked.base, asked.hashes)) do
    if name.begunJob == asked.jobId then
      redis.call('HDEL', name.key, 'begunJob')
    end
    if name.sentJob == asked.jobId and asked.ending ~= 'other' then
      redis.call('HSET', name.key, 'sentEnd', asked.ending)
    end
  end
end
