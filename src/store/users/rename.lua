-- The user has another clientId, or its clientId in another instance: the old one leads to no user, and a sign-up under it is about
-- another one.

local function isLocked(record)
  return record.lockRun and tonumber(record.lockUntil) > now
end

--- Whether a name may lead to this run's user from now on.
local function mayLead(told, name)
  local place = placeOf(name)
  local record = recordOf(place)
  -- That no user has a clientId that this run has locked has been seen at Damoov itself.
  if place == told.place or record.lockRun == told.run then
    return true
  end
  return (not record.userId or record.state == 'deleted') and not isLocked(record)
end

local function generationOf(name)
  return tonumber(recordOf(name).generation or '0')
end

--- Whether the name leads to no user: the user was moved by its id. What other runs have left open under the name stays.
local function isNobodys(name)
  local record = recordOf(name)
  return not record.userId and not record.leadsTo and not isLocked(record)
end

--- From now on the name leads there, and to nothing that it had.
local function leadAnew(name, place)
  moveJobs(name, place)
  clear(name)
  lead(name, place)
end

--- told.rename: {from: the name of the clientId that was known, or '', to: of the new one, user: of the user's id, leave: fields
--- that stay under the old clientId}. Answers the place under which the user lies from now on.
local function rename(told)
  local from, to, user = told.rename.from, told.rename.to, told.rename.user
  local was, place = told.place, told.place
  local ledHere = from == was or placeOf(from) == was
  local generation = generationOf(was)
  if was ~= user then
    place = mayLead(told, to) and to or user
    generation = math.max(generation, generationOf(place))
    local meantThere, meantHere = recordOf(place).movedUser, recordOf(was).movedUser
    redis.call('RENAME', keyOf(was), keyOf(place))
    setMovedUser(place, meantThere)
    setMovedUser(was, meantHere)
    moveJobs(was, place)
    if place ~= user then
      leadAnew(user, place)
    end
  elseif to ~= user and mayLead(told, to) then
    generation = math.max(generation, generationOf(to))
    leadAnew(to, was)
  end
  redis.call('HSET', keyOf(place), 'generation', ms(generation))
  if from ~= '' and from ~= place and (ledHere or isNobodys(from)) then
    local earlier = generationOf(from)
    if ledHere then
      clear(from)
    end
    redis.call('HSET', keyOf(from), unpack(told.rename.leave))
    if not ledHere and earlier > 0 then
      redis.call('HSET', keyOf(from), 'generation', ms(math.max(earlier, generation)))
    end
    redis.call('HSET', keyOf(from), 'givenUpAt', ms(now))
    refresh(keyOf(from))
  end
  known = {}
  refreshUser(user)
  return place
end

--- The clientId that was locked besides is free again. Every job that waits for it looks for its user anew.
local function unlockAlso(told, place)
  local also = told.also
  if also.place == told.place or also.place == place then
    return
  end
  if redis.call('HGET', keyOf(also.place), 'lockRun') == told.run then
    redis.call('HDEL', keyOf(also.place), 'lockJob', 'lockRun', 'lockStalls', 'lockUntil', 'nextJob', 'nextUntil')
    if not also.isGiven then
      redis.call('HDEL', keyOf(also.place), 'givenSince')
    end
  end
  wakeAll(also.place)
end
