-- How a job gets past the circuits on its way.

--- {open: the first that holds it, shut: those that it must do without, probes: those that it is to try}, by their place, from 0.
local function wayThrough(job, keys, first)
  local way = { shut = {}, probes = {} }
  local circuits = {}
  for i = first, #keys, 2 do
    circuits[#circuits + 1] = keys[i]
  end
  -- In nearly every run none is open.
  if #circuits == 0 or redis.call('EXISTS', unpack(circuits)) == 0 then
    return way
  end
  for place = 0, #circuits - 1 do
    local circuit, held = keys[first + 2 * place], keys[first + 1 + 2 * place]
    local isLimit = isDeletionLimit(circuit)
    if redis.call('EXISTS', circuit) == 1 then
      local mustPass = place < job.mustPass
      local state = redis.call('HMGET', circuit, 'scout', 'woken')
      -- A job that may do without tries only where it has come to this circuit before.
      local isMeant = mustPass or state[2] == job.jobId
      if isLimit then
        way.open = way.open or place
      elseif state[1] == job.jobId or (isMeant and becomesScout(circuit, held, job.jobId, clockOf(job), job.scoutMs)) then
        table.insert(way.probes, place)
      elseif mustPass then
        way.open = way.open or place
      else
        table.insert(way.shut, place)
      end
    end
  end
  return way
end
