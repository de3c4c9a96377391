-- Users' records: hashes under keyed names of who the user is. A record may be only a pointer (`movedTo`) to the name under which the
-- user lies. Keys that only a record names are not declared: one prefix, one slot.
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
  return recordOf(name).movedTo or name
end

--- Each use of a record lets it live for as long again.
local function refresh(key)
  redis.call('EXPIRE', key, settings.keepSeconds)
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

--- From now on the name leads there.
local function lead(name, place)
  redis.call('HSET', keyOf(name), 'movedTo', place)
  refresh(keyOf(name))
  known[name] = nil
end

--- A version begins with its ms.
local function scoreOf(version)
  return string.match(version, '^%S+')
end

local function timeOf(version)
  return tonumber(scoreOf(version)) or 0
end
