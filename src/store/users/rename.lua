-- The user has another clientId: the old one leads to nobody, and whoever signs up under it is another user.

--- Whether a name may lead to another user from now on.
local function isFree(told, name)
  local there = redis.call('HGET', told.base .. name, 'movedTo') or name
  local known = redis.call('HMGET', told.base .. there, 'userId', 'state', 'lockRun', 'lockUntil')
  -- That nobody bears a clientId that this run has locked has been seen at Damoov itself.
  if there == told.place or known[3] == told.run then
    return true
  end
  local isLocked = known[3] and tonumber(known[4]) > nowMs()
  return (not known[1] or known[2] == 'deleted') and not isLocked
end

--- From now on the name leads there. Answers the generation that it had.
local function lead(told, name, to)
  moveFailed(told.base .. name, told.base .. to, told.keepSeconds)
  local generation = redis.call('HGET', told.base .. name, 'generation')
  redis.call('DEL', told.base .. name)
  redis.call('HSET', told.base .. name, 'movedTo', to)
  redis.call('EXPIRE', told.base .. name, told.keepSeconds)
  return tonumber(generation or '0')
end

--- Answers the place under which the user lies from now on.
local function rename(told, change)
  local from, to, user = change.rename.from, change.rename.to, change.rename.user
  local base, was, place, generation = told.base, told.place, told.place, 0
  if was == user then
    if to ~= user and isFree(told, to) then
      generation = lead(told, to, was)
    end
  else
    place = isFree(told, to) and to or user
    generation = tonumber(redis.call('HGET', base .. place, 'generation') or '0')
    redis.call('RENAME', base .. was, base .. place)
    moveFailed(base .. was, base .. place, told.keepSeconds)
    if place ~= user then
      lead(told, user, place)
    end
  end
  if generation > tonumber(redis.call('HGET', base .. place, 'generation') or '0') then
    redis.call('HSET', base .. place, 'generation', generation)
  end
  local ledHere = from == was or (redis.call('HGET', base .. from, 'movedTo') or from) == was
  if from ~= '' and from ~= place and ledHere then
    redis.call('DEL', base .. from)
    redis.call('HSET', base .. from, unpack(change.leave))
    redis.call('EXPIRE', base .. from, told.keepSeconds)
  end
  redis.call('HDEL', base .. place, 'nextJob', 'nextUntil')
  redis.call('EXPIRE', base .. place, told.keepSeconds)
  return place
end
