--- A user has signed up again: what is pending for the user and was asked for before is not wanted any more. Remembered on the
--- deletion itself, which may be due long after anything else that is known of the user. False where the names are stale.
--- @param keys the salt, then the names of the user
--- @param told the salt, the hashes of the names, and when the sign-up happened, in ms
local function returned(keys, told, base)
  local states = redis.call('MGET', unpack(keys))
  if states[1] ~= told.salt then
    return false
  end
  for i, given in ipairs(told.hashes) do
    local key, hash = keys[i + 1], given
    local number = 0
    -- Of nearly all users nothing is known here.
    if states[i + 1] then
      key, hash = follow(key, given)
      number = nameState(key)
    end
    local jobId = deletionId(hash, number)
    local job = deletionOf(base, jobId)
    if isLive(job) and not job.hasGone and tonumber(job.timestamp) < told.at then
      local known = tonumber(redis.call('HGET', base .. jobId, 'back') or '0')
      redis.call('HSET', base .. jobId, 'back', string.format('%.0f', math.max(known, told.at)))
    end
  end
  return true
end
