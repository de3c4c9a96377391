-- Before a deletion waits for its user or for a circuit: whether it has to run at all. authorize-delete.lua decides finally.
--   KEYS: 1 the salt, 2 the index, 3 what an operator has decided over the job, 4 the circuit of the deletion limit, then the names of
--         the user
--   ARGV: 1 as JSON {jobId, timestamp of the job in ms, scheduler?, keepS: seconds to keep a name, held: keys of the jobs that circuits
--         hold, first those of the deletion limit, and see asked.lua}
--   Answers JSON {is: 'open' | 'released' (it passes the deletion limit) | 'cancelled' | 'refused', requestedAt in ms,
--           dueAt?: in ms, of one of ours}
local standing, decision = standingOf(asked), redis.call('GET', KEYS[3])

local function stand()
  if standing.isSent then
    return 'released'
  end
  if standing.void == 'cancelled' then
    return 'cancelled'
  end
  return (decision == 'refuse' and 'refused') or (decision == 'release' and 'released') or 'open'
end

local is = stand()
if asked.scheduler and is == 'cancelled' then
  for _, name in ipairs(standing.names) do
    redis.call('HSET', name.key, 'voidScheduler', asked.scheduler)
    keep(name.key, asked.keepS)
  end
end
for i, held in ipairs(is == 'open' and {} or asked.held) do
  -- It waits for none any more. If the deletion limit holds none, its circuit closes.
  if redis.call('ZREM', held, asked.jobId) == 1 and i == 1 and redis.call('ZCARD', held) == 0 then
    redis.call('DEL', KEYS[4])
  end
end
local dueAt = redis.call('ZSCORE', KEYS[2], asked.jobId)
if not standing.isSent and (is == 'open' or is == 'released') then
  -- From here on a cancellation knows of it, though another client has added it.
  for _, name in ipairs(standing.names) do
    redis.call('HSET', name.key, 'begunJob', asked.jobId)
    keep(name.key, asked.keepS)
  end
end
return cjson.encode({ is = is, requestedAt = standing.requestedAt, dueAt = tonumber(dueAt or nil) })
