-- Where a job finds the record of its user, and what leads there.

local function isVersion(field)
  return field == 'created' or field == 'deleted' or string.sub(field, 1, 8) == 'written:'
end

local function timeOf(version)
  return tonumber(string.match(version, '^%S+')) or 0
end

--- So many failed jobs are remembered of a user.
local MOST_FAILED = 100

--- The failed jobs of one record become another's as well.
local function moveFailed(from, to, keepSeconds)
  if from ~= to and redis.call('EXISTS', from .. ':failures') == 1 then
    redis.call('ZUNIONSTORE', to .. ':failures', 2, to .. ':failures', from .. ':failures', 'AGGREGATE', 'MAX')
    redis.call('ZREMRANGEBYRANK', to .. ':failures', 0, -MOST_FAILED - 1)
    redis.call('EXPIRE', to .. ':failures', keepSeconds)
    redis.call('DEL', from .. ':failures')
  end
end

--- The place under which this job's user lies, by what the job says of it and how that is known.
local function pick(job, records)
  local clientHash, userHash = job.clientHash, job.userHash
  if clientHash == '' then
    return records.placeOf(userHash)
  end
  local client = records.placeOf(clientHash)
  if userHash == '' then
    return client
  end
  local user = records.placeOf(userHash)
  if job.knownAs == 'derived' then
    -- A record of the id's own was written by jobs that name the user by it; one it only points to is another client's.
    local isOwn = user == userHash and records.exists(user)
    return (isOwn and not records.exists(client)) and user or client
  end
  if records.exists(user) then
    return user
  end
  -- Beside a userId, which is the address, a clientId may be anybody's.
  return (job.knownAs == 'found' or records.of(client).userId == job.userId) and client or user
end

--- Names that lead to this place from now on.
local function point(job, records, place, hasLooked)
  local isUserNew = job.userHash ~= '' and job.userHash ~= place and not records.exists(job.userHash)
  if isUserNew and (hasLooked or job.name == 'create-user') then
    records.set(job.userHash, { movedTo = place })
  end
  local isClientNew = job.clientHash ~= '' and job.clientHash ~= place and not records.exists(job.clientHash)
  if isClientNew and job.knownAs == 'derived' then
    records.set(job.clientHash, { movedTo = place })
  end
end

local function keepNames(job, place)
  for name in pairs({ [place] = true, [job.clientHash] = true, [job.userHash] = true }) do
    if name ~= '' then
      redis.call('EXPIRE', job.base .. name, job.keepSeconds)
    end
  end
end

--- Turns a record that was found to be another's into a pointer; what it alone knows moves along, and so does its line.
local function merge(job, records, fromName, toName)
  local from, to = job.base .. fromName, job.base .. toName
  local there = records.of(toName)
  for field, value in pairs(records.of(fromName)) do
    local known = there[field]
    local isNewer = known and isVersion(field) and timeOf(value) > timeOf(known)
    local isOfTheLock = string.sub(field, 1, 4) == 'lock' or string.sub(field, 1, 4) == 'next'
    if not isOfTheLock and (isNewer or not known) then
      redis.call('HSET', to, field, value)
    end
  end
  local blocked = redis.call('ZRANGE', from .. ':blocked', 0, -1, 'WITHSCORES')
  for i = 1, #blocked, 2 do
    redis.call('ZADD', to .. ':blocked', blocked[i + 1], blocked[i])
    redis.call('EXPIRE', to .. ':blocked', job.keepSeconds)
  end
  redis.call('DEL', from, from .. ':blocked')
  moveFailed(from, to, job.keepSeconds)
  redis.call('HSET', from, 'movedTo', toName)
  redis.call('EXPIRE', from, job.keepSeconds)
  records.forget()
end
