-- Users' records: hashes by id. An id is the keyed hash of a clientId or a UserId. The record of a user lies under one of its ids, the
-- record id; under the others there may be a pointer to it (`leadsTo`). The id of a clientId that a user had until it was moved to another
-- instance keeps `movedUser`: the id of that user, and the version of the move. Keys that only a record mentions are not declared: one
-- prefix, one slot.
local settings = cjson.decode(ARGV[1])

local now = nowMs()

--- Of one step: the records that it has read, and the jobs that its caller is to promote.
local known, promotions

local function asTable(flat)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

local function asList(fields)
  local flat = {}
  for field, value in pairs(fields) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  return flat
end

local function keyOf(id)
  return settings.base .. id
end

local function recordOf(id)
  if not known[id] then
    known[id] = asTable(redis.call('HGETALL', keyOf(id)))
  end
  return known[id]
end

local function exists(id)
  return next(recordOf(id)) ~= nil
end

--- The record id of the user with this id.
local function recordIdOf(id)
  return recordOf(id).leadsTo or id
end

--- Each use of a key renews its lifetime.
local function refresh(key)
  redis.call('EXPIRE', key, settings.keepSeconds)
end

--- The record of a suspended user lives for as long as a deletion can be deferred.
local function refreshOf(id, record)
  redis.call('EXPIRE', keyOf(id), record.suspendedBy and settings.keepSuspendedSeconds or settings.keepSeconds)
end

local function refreshUser(id)
  refreshOf(id, recordOf(recordIdOf(id)))
end

local function set(id, changes)
  redis.call('HSET', keyOf(id), unpack(asList(changes)))
  for field, value in pairs(changes) do
    recordOf(id)[field] = value
  end
end

local function drop(id, ...)
  local gone = {}
  for _, field in ipairs({ ... }) do
    if recordOf(id)[field] then
      gone[#gone + 1] = field
      recordOf(id)[field] = nil
    end
  end
  if #gone > 0 then
    redis.call('HDEL', keyOf(id), unpack(gone))
  end
end

local function setMovedUser(id, movedUser)
  if movedUser then
    redis.call('HSET', keyOf(id), 'movedUser', movedUser)
  else
    redis.call('HDEL', keyOf(id), 'movedUser')
  end
end

--- The id loses all but whom it meant before a move.
local function clear(id)
  local movedUser = redis.call('HGET', keyOf(id), 'movedUser')
  redis.call('DEL', keyOf(id))
  setMovedUser(id, movedUser)
  known[id] = nil
end

--- From now on the id points to that record.
local function point(id, recordId)
  redis.call('HSET', keyOf(id), 'leadsTo', recordId)
  refreshOf(id, known[recordId] or {})
  known[id] = nil
end

--- The record id of the user whom a job of this version means by this id.
local function recordIdAt(id, version)
  local user, movedAt = string.match(recordOf(id).movedUser or '', '^(%S+) (.+)$')
  return recordIdOf(user and isOlder(version, movedAt) and user or id)
end
