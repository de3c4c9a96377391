-- How a job was settled: a hash of its own by the job's id, until the job has completed. Its `event` stays in it until it is published.

--- How the job was settled before, flat, where that holds for this run. A failed one was put back by hand where it comes again without
--- having stalled since; each time that it stalls counts once.
local function earlierSettlement(key, job)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then
    return nil
  end
  local settled = asTable(flat)
  -- A job of which Redis has lost all but the id tells no timestamp.
  local isSame = settled.timestamp == job.timestamp or job.timestamp == '0' or settled.isKept
  local isDone = settled.event or settled.status ~= 'failed' or settled.run == job.run
  if isSame and settled.run ~= job.run and job.stalls > tonumber(settled.stalls) then
    redis.call('HSET', key, 'run', job.run, 'stalls', ms(job.stalls))
    isDone = true
  end
  if isSame and isDone then
    return flat
  end
  -- It is to be decided anew, or it is another job that was given the id of one that is gone.
  redis.call('DEL', key)
  return nil
end

--- What a run is answered that has ended before, and asks again as the reply was lost; or that has lost its user.
local function againOf(key, told, letGoBy)
  if not told.settlement then
    return { letGoBy == told.run and 'ok' or 'lost', {}, {}, '', '', told.place }
  end
  local settled = redis.call('HMGET', key, 'run', 'user', 'sequence', 'previous')
  if settled[1] ~= told.run then
    return { 'lost', {}, {}, '', '', '' }
  end
  return { 'ok', {}, olderFailed(told.base .. settled[2]), settled[3] or '', settled[4] or '', settled[2] }
end
