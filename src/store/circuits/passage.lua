-- How a job passes the circuits before it.

--- {heldBy: the first that holds it, open: those that it must do without, probes: those that it is to try}, by their place, from 0.
local function passageOf(job, keys, first)
  local passage = { open = {}, probes = {} }
  local circuits = {}
  for i = first, #keys, 2 do
    circuits[#circuits + 1] = keys[i]
  end
  -- In nearly every run none is open.
  if #circuits == 0 or redis.call('EXISTS', unpack(circuits)) == 0 then
    return passage
  end
  for index, circuit in ipairs(circuits) do
    local place, held = index - 1, keys[first + 2 * index - 1]
    if redis.call('EXISTS', circuit) == 1 then
      local mustPass = place < job.mustPass
      -- A job that may do without tries only if it has come to this circuit before.
      local isMeant = mustPass or redis.call('HGET', circuit, 'probeJob') == job.jobId
      if isDeletionLimit(circuit) then
        passage.heldBy = passage.heldBy or place
      elseif isMeant and becomesProbeJob(circuit, held, job.jobId, nowMs(job.clockMs), job.probeJobMs) then
        table.insert(passage.probes, place)
      elseif mustPass then
        passage.heldBy = passage.heldBy or place
      else
        table.insert(passage.open, place)
      end
    end
  end
  return passage
end
