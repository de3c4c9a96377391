-- The user has another clientId, or its clientId in another instance: the old one leads to no user, and a sign-up under it is about
-- another one.

local function isLocked(record)
  return record.lockRun and tonumber(record.lockUntil) > now
end

--- Whether an id may point to this run's user from now on.
local function mayPoint(settlement, id)
  local recordId = recordIdOf(id)
  local record = recordOf(recordId)
  -- That no user has a clientId that this run has locked has been seen at Damoov itself.
  if recordId == settlement.recordId or record.lockRun == settlement.run then
    return true
  end
  return (not record.userId or record.state == 'deleted') and not isLocked(record)
end

local function generationOf(id)
  return tonumber(recordOf(id).generation or '0')
end

--- Whether the id has no user: the user was moved by its UserId. What other runs have left open under the id stays.
local function hasNoUser(id)
  local record = recordOf(id)
  return not record.userId and not record.leadsTo and not isLocked(record)
end

--- From now on the id points to that record, and nothing of its own is left.
local function pointAnew(id, recordId)
  moveJobs(id, recordId)
  clear(id)
  point(id, recordId)
end

--- settlement.rename: {from: the id of the known clientId, or '', to: of the new one, user: of the UserId, leave: fields that stay under
--- the old clientId}. Answers the record id of the user from now on.
local function rename(settlement)
  local from, to, user = settlement.rename.from, settlement.rename.to, settlement.rename.user
  local was, recordId = settlement.recordId, settlement.recordId
  local ledHere = from == was or recordIdOf(from) == was
  local generation = generationOf(was)
  if was ~= user then
    recordId = mayPoint(settlement, to) and to or user
    generation = math.max(generation, generationOf(recordId))
    local meantThere, meantHere = recordOf(recordId).movedUser, recordOf(was).movedUser
    redis.call('RENAME', keyOf(was), keyOf(recordId))
    setMovedUser(recordId, meantThere)
    setMovedUser(was, meantHere)
    moveJobs(was, recordId)
    if recordId ~= user then
      pointAnew(user, recordId)
    end
  elseif to ~= user and mayPoint(settlement, to) then
    generation = math.max(generation, generationOf(to))
    pointAnew(to, was)
  end
  redis.call('HSET', keyOf(recordId), 'generation', ms(generation))
  if from ~= '' and from ~= recordId and (ledHere or hasNoUser(from)) then
    local earlier = generationOf(from)
    if ledHere then
      clear(from)
    end
    redis.call('HSET', keyOf(from), unpack(settlement.rename.leave))
    if not ledHere and earlier > 0 then
      redis.call('HSET', keyOf(from), 'generation', ms(math.max(earlier, generation)))
    end
    redis.call('HSET', keyOf(from), 'givenUpAt', ms(now))
    refresh(keyOf(from))
  end
  known = {}
  refreshUser(user)
  return recordId
end

--- The clientId that was locked besides is free again. Every job that waits for it looks for its user anew.
local function unlockAlso(settlement, recordId)
  local also = settlement.also
  if also.recordId == settlement.recordId or also.recordId == recordId then
    return
  end
  if redis.call('HGET', keyOf(also.recordId), 'lockRun') == settlement.run then
    redis.call('HDEL', keyOf(also.recordId), 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'nextJob', 'nextUntil')
    if not also.isGiven then
      redis.call('HDEL', keyOf(also.recordId), 'givenSince')
    end
  end
  promoteAll(also.recordId)
end
