-- What is told of a deletion that is pending.
local function text(value)
  return type(value) == 'string' and value or ''
end

--- Only the ids leave the server: the rest of the data is nobody's business here. Nothing for what is no pending deletion; with it
--- whether it is one whose data cannot be read.
local function entryOf(base, id, at, mostData)
  local key = base .. id
  local job = redis.call('HMGET', key, 'name', 'timestamp', 'cx', 'delay')
  -- With a negative delay it is not deferred: it only has not been taken yet.
  local isDeferred = (tonumber(job[4]) or 0) >= 0
  if job[1] ~= 'delete-user' or job[3] or not isDeferred then
    return nil, false
  end
  local isSmall = redis.call('HSTRLEN', key, 'data') <= mostData
  local data = isSmall and readObject(redis.call('HGET', key, 'data') or '')
  if not data then
    return nil, true
  end
  return { id, at, job[2] or '', text(data.instance), text(data.clientId), text(data.userId) }
end
