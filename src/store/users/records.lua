-- Users' records: hashes under keyed names of who the user is. A record may be only a pointer (`leadsTo`) to the name under which the
-- user lies. A name that a user had until it was moved to another instance keeps `movedUser`: the name of its id, and the version of the
-- move. Keys that only a record names are not declared: one prefix, one slot.
local settings = cjson.decode(ARGV[1])

local now = nowMs()

--- Of one step: the records that it has read, and the jobs that its caller is to promote.
local known, wakes

local function asTable(flat)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

local function asList(fields)
  local flat = {}
  for name, value in pairs(fields) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  return flat
end

local function keyOf(name)
  return settings.base .. name
end

local function recordOf(name)
  if not known[name] then
    known[name] = asTable(redis.call('HGETALL', keyOf(name)))
  end
  return known[name]
end

local function exists(name)
  return next(recordOf(name)) ~= nil
end

--- Where the user lies who has this name.
local function placeOf(name)
  return recordOf(name).leadsTo or name
end

--- Each use of a key renews its lifetime.
local function refresh(key)
  redis.call('EXPIRE', key, settings.keepSeconds)
end

--- The record of a suspended user lives for as long as a deletion can be deferred.
local function refreshOf(name, record)
  redis.call('EXPIRE', keyOf(name), record.suspendedBy and settings.keepSuspendedSeconds or settings.keepSeconds)
end

local function refreshUser(name)
  refreshOf(name, recordOf(placeOf(name)))
end

local function set(name, changes)
  redis.call('HSET', keyOf(name), unpack(asList(changes)))
  for field, value in pairs(changes) do
    recordOf(name)[field] = value
  end
end

local function drop(name, ...)
  local gone = {}
  for _, field in ipairs({ ... }) do
    if recordOf(name)[field] then
      gone[#gone + 1] = field
      recordOf(name)[field] = nil
    end
  end
  if #gone > 0 then
    redis.call('HDEL', keyOf(name), unpack(gone))
  end
end

local function setMovedUser(name, movedUser)
  if movedUser then
    redis.call('HSET', keyOf(name), 'movedUser', movedUser)
  else
    redis.call('HDEL', keyOf(name), 'movedUser')
  end
end

--- The name loses all but whom it meant before a move.
local function clear(name)
  local movedUser = redis.call('HGET', keyOf(name), 'movedUser')
  redis.call('DEL', keyOf(name))
  setMovedUser(name, movedUser)
  known[name] = nil
end

--- From now on the name leads there.
local function lead(name, place)
  redis.call('HSET', keyOf(name), 'leadsTo', place)
  refreshOf(name, known[place] or {})
  known[name] = nil
end

--- Where the user lies whom a job of this version means by this name.
local function placeAt(name, version)
  local user, movedAt = string.match(recordOf(name).movedUser or '', '^(%S+) (.+)$')
  return placeOf(user and isOlder(version, movedAt) and user or name)
end
