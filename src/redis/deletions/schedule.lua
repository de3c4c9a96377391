-- Adds a user's deletion where none is pending; else answers with the one there is, or moves it.
--   KEYS: 1 the salt, 2 the name, 3 another name of the user, if any
--   ARGV: 1 the salt, 2 base of the jobs' keys, 3 hash of the name, 4 data, 5 requested at in ms, 6 due at in ms,
--         7 'add' | 'add-or-move' | 'move', 8 seconds to keep what is known of a name, 9 options of a job that is due at once,
--         as JSON, 10 its priority, 11 hash of the other name
--   Answers 'stale' | 'none' | 'too-late' | 'done' | {'scheduled' | 'exists' | 'moved', jobId, due in ms, requested in ms}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local base, data = ARGV[2], ARGV[4]
local requestedAt, dueAt, mode, keepS = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local priority = tonumber(ARGV[10])
local given = KEYS[3] and { { KEYS[2], ARGV[3] }, { KEYS[3], ARGV[11] } } or { { KEYS[2], ARGV[3] } }

local function isLiveUnder(key, hash)
  return isLive(deletionOf(base, deletionId(hash, (nameState(key)))))
end

--- The name under which one is pending already, else the first one.
local function pick()
  for _, one in ipairs(given) do
    local key, hash = follow(one[1], one[2])
    if isLiveUnder(key, hash) then
      return key, hash
    end
  end
  return KEYS[2], ARGV[3]
end

local name, hash = pick()
local number, mark, about = nameState(name)
local jobId = deletionId(hash, number)
local job = deletionOf(base, jobId)

local function ms(value)
  return string.format('%.0f', value)
end

--- Where a name has more to say than its hash tells, that outlives the deletion.
local function note(due)
  local seconds = keepS + math.max(0, math.ceil((due - requestedAt) / 1000))
  if number > 0 or mark ~= '' then
    -- What is known of older deletions stays: they may lie under other names, and not be over.
    local kept = (mark == 'cx' or mark == 'go') and ' ' .. mark .. ' ' .. about or ''
    keepName(name, number, kept, seconds)
  end
  for _, one in ipairs(given) do
    if one[1] ~= name and not isLiveUnder(one[1], one[2]) then
      keepName(one[1], (nameState(one[1])), ' at ' .. hash, seconds)
    end
  end
end

local function optsOf(delay)
  return delay > 0 and string.format('{"delay":%.0f}', delay) or ARGV[9]
end

local function add(is)
  local delay = math.max(0, dueAt - requestedAt)
  local added = addDelayedJob(
    base,
    { cmsgpack.pack({ base, jobId, 'delete-user', ms(requestedAt) }), data, cmsgpack.pack({ delay = delay, priority = priority }) }
  )
  if type(added) == 'number' then
    return redis.error_reply('the deletion was not added: ' .. added)
  end
  -- No more than the receipt will tell: a million times a few bytes are many.
  redis.call('HSET', base .. jobId, 'opts', optsOf(delay))
  note(dueAt)
  return { is, jobId, ms(requestedAt + delay), ms(requestedAt) }
end

--- A request that is made again counts from now on: a return in between must not undo it.
local function renew(is, from, due)
  local moved = changeDelay(base, { math.max(0, due - from), ms(from), jobId, base .. jobId })
  if moved ~= 0 then
    return redis.error_reply('the deletion was not moved: ' .. moved)
  end
  redis.call('HSET', base .. jobId, 'timestamp', ms(from), 'opts', optsOf(math.max(0, due - from)))
  if priority == 0 then
    -- A pending deletion of a reconciliation that somebody asks for, too, is one of many no longer.
    redis.call('HSET', base .. jobId, 'priority', 0)
  end
  note(due)
  return { is, jobId, ms(math.max(due, from)), ms(from) }
end

if isLive(job) then
  local known = tonumber(job.timestamp)
  local score = redis.call('ZSCORE', base .. 'delayed', jobId)
  local knownDue = math.floor((tonumber(score) or known * 4096) / 4096)
  if job.hasGone then
    return mode == 'add' and { 'exists', jobId, ms(knownDue), ms(known) } or 'too-late'
  end
  if score and not job.hasRun then
    if mode == 'add' then
      return renew('exists', math.max(known, requestedAt), knownDue)
    end
    return renew('moved', mode == 'move' and known or math.max(known, requestedAt), dueAt)
  end
  if mode == 'add' then
    -- It is asked for anew: a return in between must not undo it.
    local from = math.max(known, requestedAt)
    redis.call('HSET', base .. jobId, 'timestamp', ms(from), 'opts', '{}')
    return { 'exists', jobId, ms(knownDue), ms(from) }
  end
  if mode == 'move' then
    -- It is the same request.
    requestedAt = known
  end
  -- It is due and may be at work: this one ends as cancelled, and the next takes its place.
  withdraw(base, jobId)
  data = redis.call('HGET', base .. jobId, 'data')
  number = number + 1
  jobId = deletionId(hash, number)
  return add('moved')
end
if mode == 'move' then
  return mark == 'go' and sent(base, about) or 'none'
end
if job.exists or mark ~= '' or number > 0 then
  number = number + 1
  jobId = deletionId(hash, number)
end
return add('scheduled')
