-- How a job gets past the circuits on its way.

--- {heldBy: the first that holds it, open: those that it must do without, probes: those that it is to try}, by their place, from 0.
local function wayThrough(job, keys, first)
  local way = { open = {}, probes = {} }
  local circuits = {}
  for i = first, #keys, 2 do
    circuits[#circuits + 1] = keys[i]
  end
  -- In nearly every run none is open.
  if #circuits == 0 or redis.call('EXISTS', unpack(circuits)) == 0 then
    return way
  end
  for index, circuit in ipairs(circuits) do
    local place, held = index - 1, keys[first + 2 * index - 1]
    if redis.call('EXISTS', circuit) == 1 then
      local mustPass = place < job.mustPass
      -- A job that may do without tries only if it has come to this circuit before.
      local isMeant = mustPass or redis.call('HGET', circuit, 'probeJob') == job.jobId
      if isDeletionLimit(circuit) then
        way.heldBy = way.heldBy or place
      elseif isMeant and becomesProbeJob(circuit, held, job.jobId, nowMs(job.clockMs), job.probeJobMs) then
        table.insert(way.probes, place)
      elseif mustPass then
        way.heldBy = way.heldBy or place
      else
        table.insert(way.open, place)
      end
    end
  end
  return way
end
