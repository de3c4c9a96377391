-- The rate at which a fleet sends requests: at most the ceiling, halved at a 429, and raised step by step while requests wait (AIMD).
-- It hands out slots: times at which one request each may leave.
--   KEYS: 1 the rate (hash)
--   ARGV: 1 as JSON {clockMs?, ceiling?: requests a second, count: of slots wanted, passed: how many requests Damoov has accepted since
--         the last call, passedAgoMs?: how long ago the youngest of them was sent, refused?: {sentAgoMs, retryAfterMs} of a 429}
--   Answers JSON {ratePerS?: without it nothing limits the fleet, isLowered: by this call, pausedForMs, firstInMs, everyMs, count: the slots,
--           roomInMs: when a further slot can be reserved}
local HORIZON_MS, CREDIT_MS = 150, 25
local LEAST_PER_SECOND, FIRST_PER_SECOND, RISE_SECONDS = 0.5, 100, 60
local PAUSE_MS, LONGEST_PAUSE_MS, LONGEST_RETRY_AFTER_MS = 500, 60000, 3600000
local FORGET_MS, KEEP_MS = 600000, 7200000

local request = cjson.decode(ARGV[1])
local now = nowMs(request.clockMs)
local state = { nextSlotAt = 0, pausedUntil = 0, refusalsInARow = 0, passedPerSecond = 0, countedAt = now }

local function read()
  local stored = redis.call('HGETALL', KEYS[1])
  for i = 1, #stored, 2 do
    state[stored[i]] = tonumber(stored[i + 1])
  end
  -- A clock that was set back must not stop the fleet for longer than a pause may last.
  state.pausedUntil = math.min(state.pausedUntil, now + LONGEST_RETRY_AFTER_MS)
  if now - state.pausedUntil > FORGET_MS then
    state.rate, state.refusalsInARow = nil, 0
  end
end

local function write()
  for field, value in pairs(state) do
    redis.call('HSET', KEYS[1], field, string.format('%.3f', value))
  end
  redis.call('PEXPIRE', KEYS[1], KEEP_MS)
end

--- Counts what passes in about a second, and answers how much it was lately: at the first 429 nothing else is known of the rate.
local function countPassed()
  local before = state.passedPerSecond
  local share = 1 - (now - state.countedAt) / 1000
  state.passedPerSecond = request.passed + before * math.min(1, math.max(0, share))
  state.countedAt = now
  if request.passedAgoMs and now - request.passedAgoMs >= state.pausedUntil then
    state.refusalsInARow = 0
  end
  return math.max(before, state.passedPerSecond)
end

local function allowed()
  if state.rate and request.ceiling then
    return math.min(state.rate, request.ceiling)
  end
  return state.rate or request.ceiling
end

--- Pauses the fleet and halves its rate. Answers whether the rate was lowered.
local function refuse(refused, seenPerSecond)
  local retryAfterMs = math.min(refused.retryAfterMs, LONGEST_RETRY_AFTER_MS)
  if now - refused.sentAgoMs < state.pausedUntil then
    -- It was sent before the pause: only its Retry-After is news.
    state.pausedUntil = math.max(state.pausedUntil, now + retryAfterMs)
    return false
  end
  local earlier = state.refusalsInARow
  if earlier == 0 then
    -- A first rate that is too high costs a few more 429s, one that is too low minutes.
    local rate = state.rate or math.max(seenPerSecond, FIRST_PER_SECOND)
    rate = math.min(rate, request.ceiling or rate)
    state.rate, state.risePerSecond = math.max(LEAST_PER_SECOND, rate / 2), rate / RISE_SECONDS
  end
  -- A limit that lets nothing pass says nothing about its height: only the pause grows.
  state.pausedUntil = now + math.max(retryAfterMs, math.min(PAUSE_MS * 2 ^ earlier, LONGEST_PAUSE_MS))
  state.refusalsInARow = earlier + 1
  return earlier == 0
end

--- The first slot that nobody has: not far in the past, so that no burst is saved up, nor further ahead than slots are handed out.
local function nextFree(everyMs)
  return math.max(math.min(state.nextSlotAt, now + HORIZON_MS + everyMs), now - CREDIT_MS, state.pausedUntil)
end

local function takeSlots(everyMs)
  -- A clock that was set back: the slots of what was the future are nobody's.
  state.nextSlotAt = math.min(state.nextSlotAt, now + HORIZON_MS + everyMs)
  local first = nextFree(everyMs)
  local room = math.floor((now + HORIZON_MS - first) / everyMs) + 1
  local count = math.max(0, math.min(request.count, room))
  if count > 0 then
    -- A rate that no request waits for has proved nothing.
    if state.rate and state.nextSlotAt > now then
      local risen = state.rate + state.risePerSecond * count * everyMs / 1000
      state.rate = math.min(risen, request.ceiling or risen)
    end
    state.nextSlotAt = first + count * everyMs
  end
  return first - now, count
end

read()
local seenPerSecond = countPassed()
local isLowered = request.refused ~= nil and refuse(request.refused, seenPerSecond)
local rate = allowed()
local everyMs = rate and 1000 / rate or 0
local firstInMs, count = 0, 0
if rate then firstInMs, count = takeSlots(everyMs) end
if request.refused or (rate and request.count > 0) then
  write()
elseif request.passed > 0 then
  pcall(write) -- Only a hint for the first rate after a 429: a full Redis stops nothing.
end
return cjson.encode({
  ratePerS = allowed(),
  isLowered = isLowered,
  pausedForMs = math.max(0, state.pausedUntil - now),
  firstInMs = firstInMs,
  everyMs = everyMs,
  count = count,
  roomInMs = math.max(0, nextFree(everyMs) - HORIZON_MS - now),
})
