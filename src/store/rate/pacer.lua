-- The request rate that a fleet shares: slots in time, handed out in order; a refused request lowers the rate.
--   KEYS: 1 the rate's hash
--   ARGV: 1 'look' | 'reserve' | 'refused', 2 now in ms ('' = Redis' own clock), 3 ceiling in requests a second ('' = none),
--         4 how many ms ago the youngest request that has passed was sent ('' = none since the last call)
--         reserve: 5 how many slots
--         refused: 5 how many ms ago the request was sent, 6 Retry-After in ms ('' = none), 7 accepted a second, as seen there
--   Answers rate ('' = unlimited), whether a refusal has taught it, ms of pause left, ms to the first slot, ms between slots,
--   number of slots, ms to the next free slot, whether the rate was lowered
local CREDIT, HORIZON = 25, 150
local LEAST, FIRST_LEAST = 0.5, 10
local PAUSE, LONGEST_PAUSE, LONGEST_ASKED = 500, 60000, 3600000
local FORGET, KEEP = 600000, 7200000

local key, what = KEYS[1], ARGV[1]
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local ceiling, passedAgo = tonumber(ARGV[3]), tonumber(ARGV[4])

local state = {}
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  state[fields[i]] = tonumber(fields[i + 1])
end
-- A clock that was set back must not stop the fleet for longer than a pause may last.
local paused = math.min(state.pausedUntil or 0, now + LONGEST_ASKED)
local isLowered = 0

local function write(changes)
  for name, value in pairs(changes) do
    state[name] = value
    redis.call('HSET', key, name, string.format('%.3f', value))
  end
  redis.call('PEXPIRE', key, KEEP)
end

local function allowed()
  if state.rate and ceiling then
    return math.min(state.rate, ceiling)
  end
  return state.rate or ceiling
end

--- The first slot nobody has: never far in the past, so that no burst is saved up, nor further ahead than ever reserved.
local function nextFree(interval)
  return math.max(math.min(state.next or 0, now + HORIZON + interval), now - CREDIT, paused)
end

--- Rises only while requests wait for their slots: a rate that nobody uses has proved nothing.
local function grow()
  local seconds = math.min(now - (state.grownAt or now), 1000) / 1000
  local isHeldBack = (state.next or 0) > now and now >= paused
  if not state.rate or seconds <= 0 then
    return
  end
  local rate, peak = state.rate, state.peak
  if isHeldBack then
    if not peak then
      rate = rate * 1.3 ^ seconds
    elseif rate >= peak then
      rate = rate * 1.1 ^ seconds
    elseif rate >= 0.93 * peak then
      -- The refusal at the peak costs a pause: 45 seconds just below it make that a small part.
      rate = rate + peak * 0.07 * seconds / 45
    else
      rate = rate + peak * 0.05 * seconds
    end
  end
  write({ rate = ceiling and math.min(rate, math.max(ceiling, state.rate)) or rate, grownAt = now })
end

local function lower()
  local rate, isSaturated = state.rate, (state.next or 0) > now + HORIZON / 2
  if rate then
    rate = ceiling and math.min(rate, ceiling) or rate
    -- A search overshoots, and a second refusal soon after a pause says that the cut was too small.
    local factor = not state.peak and 0.75 or now - paused < 2000 and 0.8 or 0.9
    write({ rate = math.max(LEAST, rate * factor), peak = rate })
  elseif ceiling and isSaturated then
    write({ rate = math.max(LEAST, ceiling * 0.9), peak = ceiling })
  else
    local seen = math.max(tonumber(ARGV[7]), FIRST_LEAST)
    write({ rate = (ceiling and math.min(seen, ceiling) or seen) * 0.9 })
  end
  isLowered = 1
end

if passedAgo and state.rate and now - passedAgo >= (state.resumedAt or 0) then
  write({ hasPassed = 1 })
end

local first, interval, count = 0, 0, 0
if what == 'refused' then
  local sentAt = now - tonumber(ARGV[5])
  local asked = math.min(tonumber(ARGV[6]) or 0, LONGEST_ASKED)
  if sentAt < paused then
    -- It was on its way when the fleet paused: it tells nothing new but how long to stay away.
    paused = math.max(paused, now + asked)
  else
    local isBlocked = state.rate and state.hasPassed ~= 1
    local strikes = isBlocked and (state.strikes or 0) + 1 or 0
    local resumedAt = state.rate and paused or now
    if not isBlocked then
      lower()
    end
    paused = now + math.max(asked, math.min(PAUSE * 2 ^ strikes, LONGEST_PAUSE))
    write({ strikes = strikes, hasPassed = 0, refusedAt = now, resumedAt = resumedAt })
  end
  write({ pausedUntil = paused, grownAt = paused })
elseif what == 'reserve' then
  if state.rate and now - math.max(state.refusedAt or 0, paused) > FORGET then
    redis.call('DEL', key)
    state = { next = state.next }
  end
  grow()
  local rate = allowed()
  if rate then
    interval = 1000 / rate
    first = nextFree(interval)
    local room = math.floor((now + HORIZON - first) / interval) + 1
    count = math.max(0, math.min(tonumber(ARGV[5]), room))
    if count > 0 then
      write({ next = first + count * interval })
    end
  end
end

local rate = allowed()
return {
  rate and tostring(rate) or '',
  state.rate and 1 or 0,
  tostring(math.max(0, paused - now)),
  tostring(first - now),
  tostring(interval),
  count,
  tostring(rate and math.max(0, nextFree(1000 / rate) - now) or 0),
  isLowered,
}
