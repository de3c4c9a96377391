-- Cancels what is pending under these names, and these jobs: from here on no DELETE is sent for them.
--   KEYS: 1 the salt, then the names
--   ARGV: 1 the salt, 2 base of the jobs' keys, 3 seconds to keep what is known of a name, 4 how many names, then their
--         hashes, then the ids of jobs that others have added
--   Answers 'stale' | 'too-late' | 'done' | 'cancelled' | 'cancelled-before' | 'none'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 'stale'
end
local base, keepS, names = ARGV[2], ARGV[3], tonumber(ARGV[4])
local answered = {}

local function cancel(jobId)
  local job = deletionOf(base, jobId)
  if not job.exists then
    return 'none'
  end
  if job.hasGone then
    return sent(base, jobId)
  end
  if not job.isOver then
    if job.isCancelled then
      return 'cancelled-before'
    end
    withdraw(base, jobId)
    return 'cancelled'
  end
  if hasFailed(base, jobId) then
    -- Nothing is pending; but somebody may put it back.
    redis.call('HSET', base .. jobId, 'cx', clock())
    return 'none'
  end
  return job.isCancelled and 'cancelled-before' or 'none'
end

local function isCancelled(answer)
  return answer == 'cancelled' or answer == 'cancelled-before'
end

--- Also where it was cancelled before: what others have asked for since then is meant as well.
local function markCancelled(key)
  keepName(key, (nameState(key)), ' cx ' .. clock(), keepS)
end

for i = 1, names do
  local key, hash = follow(KEYS[1 + i], ARGV[4 + i])
  local number, mark, about = nameState(key)
  local answer = cancel(deletionId(hash, number))
  if mark == 'go' then
    local earlier = sent(base, about)
    if earlier == 'too-late' or answer == 'none' then
      answer = earlier
    end
  elseif mark == 'cx' and answer == 'none' then
    answer = 'cancelled-before'
  end
  if isCancelled(answer) then
    markCancelled(key)
    markCancelled(KEYS[1 + i])
  end
  answered[answer] = true
end
for i = 5 + names, #ARGV do
  local answer = cancel(ARGV[i])
  if isCancelled(answer) then
    for place = 1, names do
      markCancelled(KEYS[1 + place])
    end
    -- An earlier deletion of the name may be done; this one was pending.
    answered.done = nil
  end
  answered[answer] = true
end
for _, answer in ipairs({ 'too-late', 'cancelled', 'done', 'cancelled-before' }) do
  if answered[answer] then
    return answer
  end
end
return 'none'
