-- What the scripts share that read and change users' records: hashes under keyed names of who the user is. A record may be only a
-- pointer (`movedTo`) to the name under which the user lies. Keys that only a record names are not declared: one prefix, one slot.

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

--- The records that one call touches, each read once: a call costs more than all that is looked up in it.
local function recordsUnder(base)
  local known = {}
  local records = {}

  function records.of(name)
    if not known[name] then
      known[name] = asTable(redis.call('HGETALL', base .. name))
    end
    return known[name]
  end

  function records.exists(name)
    return next(records.of(name)) ~= nil
  end

  --- Where the user lies who is known by this name.
  function records.placeOf(name)
    return records.of(name).movedTo or name
  end

  function records.set(name, changes)
    redis.call('HSET', base .. name, unpack(asList(changes)))
    for field, value in pairs(changes) do
      records.of(name)[field] = value
    end
  end

  function records.drop(name, ...)
    local gone = {}
    for _, field in ipairs({ ... }) do
      if records.of(name)[field] then
        gone[#gone + 1] = field
        records.of(name)[field] = nil
      end
    end
    if #gone > 0 then
      redis.call('HDEL', base .. name, unpack(gone))
    end
  end

  function records.forget()
    known = {}
  end

  return records
end
