-- Decides over a request for a deletion: whether one is pending already, or under which id a new one may be added. Adds no job.
--   KEYS: 1 the salt, 2 the index, then the names of the user
--   ARGV: 1 as JSON {mode: 'add' | 'add-or-move' | 'move', requestedAt in ms,
--         isNow: whether it is requested at this moment, dueAt in ms, keepS: seconds to keep a name,
--         over?: the id of a job that the queue has ended, and see asked.lua}
--   Answers JSON {is: 'none' | 'too-late' | 'done'} | {is: 'free', hash, jobId} |
--           {is: 'exists' | 'moved', hash, number, jobId, dueAt in ms, requestedAt in ms, or 0}
local index = KEYS[2]
local places = placesOf(asked.base, asked.hashes)

local function pending()
  for _, place in ipairs(places) do
    local dueAt = redis.call('ZSCORE', index, place.jobId)
    if dueAt and place.jobId ~= asked.over then
      return place, tonumber(dueAt)
    end
  end
end

--- What is void by now does not concern a request of this moment, though the clocks may differ.
local function askedAfter()
  local latest = 0
  for _, place in ipairs(asked.isNow and places or {}) do
    latest = math.max(latest, place.voidBefore)
  end
  return latest
end

--- The other names lead to the one under which the deletion lies, and are kept as long.
local function lead(name, dueAt)
  for _, hash in ipairs(asked.hashes) do
    local key = asked.base .. hash
    if hash ~= name.hash and not redis.call('ZSCORE', index, stateOf(asked.base, hash).jobId) then
      redis.call('HSET', key, 'at', name.hash)
    end
    keep(key, asked.keepS, dueAt)
  end
  keep(name.key, asked.keepS, dueAt)
end

local function answer(is, name, dueAt)
  return cjson.encode({
    is = is, hash = name.hash, number = name.number, jobId = name.jobId, dueAt = dueAt, requestedAt = name.requestedAt,
  })
end

local name, dueAt = pending()
if name then
  if isSent(name) then
    return asked.mode == 'add' and answer('exists', name, dueAt) or '{"is":"too-late"}'
  end
  if asked.mode ~= 'move' then
    -- It counts from the last request: a return in between does not undo it.
    name.requestedAt = math.max(name.requestedAt, asked.requestedAt)
    redis.call('HSET', name.key, 'requestedAt', name.requestedAt, 'askedAfter', askedAfter())
  end
  if asked.mode ~= 'add' then
    dueAt = asked.dueAt
    redis.call('ZADD', index, dueAt, name.jobId)
  end
  lead(name, dueAt)
  return answer(asked.mode == 'add' and 'exists' or 'moved', name, dueAt)
end

if asked.mode == 'move' then
  for _, place in ipairs(places) do
    if place.sentJob and not place.cancelledJob then
      return place.sentEnd == 'done' and '{"is":"done"}' or '{"is":"too-late"}'
    end
  end
  return '{"is":"none"}'
end

if asked.over then
  redis.call('ZREM', index, asked.over)
end
name = places[1]
if name.isOver or name.number < name.voidBelow or name.jobId == asked.over then
  -- A job id is used once.
  redis.call('HSET', name.key, 'number', name.number + 1)
  redis.call('HDEL', name.key, 'isOver', 'requestedAt')
end
redis.call('HDEL', name.key, 'at', 'askedAfter')
if askedAfter() > 0 then
  redis.call('HSET', name.key, 'askedAfter', askedAfter())
end
lead(name, asked.dueAt)
return answer('free', stateOf(asked.base, name.hash), asked.dueAt)
