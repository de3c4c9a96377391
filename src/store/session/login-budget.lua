-- Counts the logins of a fleet. Called a second time (a reply was lost), it answers as if it had been called once.
--   KEYS: 1 the grants of the last hour, by when, 2 until when nobody logs in, 3 refused credentials, by when,
--         4 sessions of these credentials that were revoked, by when
--   ARGV: 1 what to do: take, give-back, refused, revoked or look, 2 now in ms, or '' for the clock of Redis, 3 logins an hour,
--         4 logins a minute, 5 how long the hour counts in ms, 6 the minute, 7 how long a refusal counts, 8 the fingerprint
--         of the credentials, 9 name of the grant or of the revocation, 10 for how many ms more the caller knows of a bar, or 0, 11 how many ms
--         ago these credentials were refused, or '', then name and age in ms of each grant that the caller remembers
--   Answers {ms until a login is granted, 0 = now, logins left, for how many ms more nobody logs in, sessions revoked
--            within the hour, {name and age in ms of each grant}}
local grants, bar, refusals, revocations = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local act, now = ARGV[1], tonumber(ARGV[2])
local perHour, perMinute = tonumber(ARGV[3]), tonumber(ARGV[4])
local hourMs, minuteMs, refusalMs = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local fingerprint, name = ARGV[8], ARGV[9]

if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

--- Lua would write a time as 1.8e+12.
local function whole(number)
  return string.format('%.0f', number)
end

-- What a crash of Redis has lost is added again by those who remember it.
for i = 12, #ARGV, 2 do
  redis.call('ZADD', grants, 'NX', whole(now - tonumber(ARGV[i + 1])), ARGV[i])
end
local refusedAgoMs = act == 'refused' and 0 or tonumber(ARGV[11])
if refusedAgoMs then
  redis.call('ZADD', refusals, 'GT', whole(now - refusedAgoMs), fingerprint)
end
local barredUntil = math.max(tonumber(redis.call('GET', bar) or '0'), now + tonumber(ARGV[10]))
if barredUntil > now then
  redis.call('SET', bar, whole(barredUntil), 'PX', whole(barredUntil - now))
end

-- A grant that is taken again was never answered: no login came of it.
if act == 'take' or act == 'give-back' then
  redis.call('ZREM', grants, name)
end
redis.call('ZREMRANGEBYSCORE', grants, '-inf', whole(now - hourMs))
redis.call('ZREMRANGEBYSCORE', refusals, '-inf', whole(now - refusalMs))
-- A clock that was set back: nobody waits longer than the hour.
for _, ahead in ipairs(redis.call('ZRANGEBYSCORE', grants, '(' .. whole(now), '+inf')) do
  redis.call('ZADD', grants, whole(now), ahead)
end
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
local isRefused = redis.call('ZSCORE', refusals, fingerprint)
local limit = isRefused and perHour > 1 and perHour - 1 or perHour
local freeAt = math.max(now, barredUntil, freeFrom(limit, hourMs), freeFrom(perMinute, minuteMs))
if act == 'take' and freeAt <= now then
  redis.call('ZADD', grants, whole(now), name)
  count = count + 1
end
if act == 'revoked' then
  redis.call('ZADD', revocations, 'NX', whole(now), name)
end
redis.call('ZREMRANGEBYSCORE', revocations, '-inf', whole(now - refusalMs))
redis.call('PEXPIRE', revocations, whole(refusalMs))
redis.call('PEXPIRE', grants, whole(hourMs))
redis.call('PEXPIRE', refusals, whole(refusalMs))
local ages = {}
for i = 1, #times, 2 do
  ages[i], ages[i + 1] = times[i], now - tonumber(times[i + 1])
end
return {
  freeAt - now,
  math.max(0, limit - count),
  math.max(0, barredUntil - now),
  redis.call('ZCARD', revocations),
  ages,
}
