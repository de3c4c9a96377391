-- Counts the logins of a fleet. Called a second time (a reply was lost), it answers as if it had been called once.
--   KEYS: 1 the grants of the last hour, by when, 2 until when no process logs in, 3 refused credentials, by when,
--         4 sessions of these credentials that were revoked, by when
--   ARGV: 1 as JSON {act: 'take' | 'give-back' | 'refused' | 'revoked' | 'look', clockMs?, perHour, perMinute: logins, hourMs, minuteMs,
--         refusalMs: how long each counts, fingerprint: of the credentials, name: of the grant or of the revocation, barredForMs: how
--         much longer a bar lasts that the caller knows of, refusedAgoMs?: when these credentials were refused, known: {name, agoMs} of
--         each grant that the caller remembers}
--   Answers JSON {waitMs: until a login is granted, 0 = now, left: logins, barredForMs, revoked: sessions within the hour,
--           grants: {name, agoMs} of each}
local asked = cjson.decode(ARGV[1])
local grants, bar, refusals, revocations = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = nowMs(asked.clockMs)

--- What a crash of Redis has lost is added again by the processes that remember it.
local function restore()
  for _, grant in ipairs(asked.known) do
    redis.call('ZADD', grants, 'NX', ms(now - grant.agoMs), grant.name)
  end
  if asked.refusedAgoMs then
    redis.call('ZADD', refusals, 'GT', ms(now - asked.refusedAgoMs), asked.fingerprint)
  end
  local barredUntil = math.max(tonumber(redis.call('GET', bar) or '0'), now + asked.barredForMs)
  if barredUntil > now then
    redis.call('SET', bar, ms(barredUntil), 'PX', ms(barredUntil - now))
  end
  return barredUntil
end

local function forgetOld()
  redis.call('ZREMRANGEBYSCORE', grants, '-inf', ms(now - asked.hourMs))
  for _, key in ipairs({ refusals, revocations }) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', ms(now - asked.refusalMs))
  end
  -- A clock that was set back: no login waits longer than the hour.
  for _, ahead in ipairs(redis.call('ZRANGEBYSCORE', grants, '(' .. ms(now), '+inf')) do
    redis.call('ZADD', grants, ms(now), ahead)
  end
end

local barredUntil = restore()
if asked.act == 'take' or asked.act == 'give-back' then
  -- A grant that is taken again was never answered: no login came of it.
  redis.call('ZREM', grants, asked.name)
elseif asked.act == 'revoked' then
  redis.call('ZADD', revocations, 'NX', ms(now), asked.name)
end
forgetOld()
local times = redis.call('ZRANGE', grants, 0, -1, 'WITHSCORES')
local count = #times / 2

--- When the window has room again: once the grant that fills it, counted from the latest, has left it.
local function freeFrom(limit, windowMs)
  if limit < 1 then
    return now + windowMs
  end
  local filling = tonumber(times[2 * (count - limit + 1)])
  return filling and filling + windowMs or now
end

-- Credentials that do not work leave the last login of the hour to others: to those that will correct them.
local isRefused = redis.call('ZSCORE', refusals, asked.fingerprint)
local limit = isRefused and asked.perHour > 1 and asked.perHour - 1 or asked.perHour
local freeAt = math.max(now, barredUntil, freeFrom(limit, asked.hourMs), freeFrom(asked.perMinute, asked.minuteMs))
if asked.act == 'take' and freeAt <= now then
  redis.call('ZADD', grants, ms(now), asked.name)
  count = count + 1
end
redis.call('PEXPIRE', grants, ms(asked.hourMs))
redis.call('PEXPIRE', refusals, ms(asked.refusalMs))
redis.call('PEXPIRE', revocations, ms(asked.refusalMs))
local known = {}
for i = 1, #times, 2 do
  table.insert(known, { name = times[i], agoMs = now - tonumber(times[i + 1]) })
end
return cjson.encode({
  waitMs = freeAt - now,
  left = math.max(0, limit - count),
  barredForMs = math.max(0, barredUntil - now),
  revoked = redis.call('ZCARD', revocations),
  grants = #known > 0 and known or nil,
})
