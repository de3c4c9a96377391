-- Reads the state of a deletion that a worker is about to carry out: what is known of it under the names of its user.

--- @param asked {base: of the names' keys, hashes: of the names, jobId, timestamp of the job in ms,
---               scheduler?: id of the job scheduler that has added it}
--- @return {isSent: its DELETE may have been sent, and it has not failed since, void: 'cancelled', 'returned' or nil,
---          requestedAt: the last time in ms}
local function standingOf(asked)
  local own, number = ownNameOf(asked.base, asked.jobId)
  local names = own and { own } or {}
  for _, hash in ipairs(asked.hashes) do
    if not own or own.hash ~= hash then
      table.insert(names, stateOf(asked.base, hash))
    end
  end
  local isLast = own and number == own.number
  local requestedAt = isLast and math.max(asked.timestamp, own.requestedAt) or asked.timestamp
  local askedAfter = isLast and own.askedAfter or 0
  local isCancelled = own and number < own.voidBelow
  local hasReturned, wasSent, hasFailed = false, false, false
  for _, name in ipairs(names) do
    -- One that was known when it was cancelled is void whatever the clock of its client says.
    local wasKnown = name.cancelledJob == asked.jobId
    -- All that a job scheduler adds was requested when it was set up.
    local isOfVoidSeries = asked.scheduler and name.voidScheduler == asked.scheduler
    isCancelled = isCancelled or wasKnown or isOfVoidSeries or (requestedAt <= name.voidBefore and askedAfter < name.voidBefore)
    hasReturned = hasReturned or requestedAt < name.returnedAt
    wasSent = wasSent or name.sentJob == asked.jobId
    hasFailed = hasFailed or (name.sentJob == asked.jobId and name.sentEnd == 'failed')
  end
  local void = (isCancelled and 'cancelled') or (hasReturned and 'returned') or nil
  return { isSent = wasSent and not hasFailed, void = void, requestedAt = requestedAt, names = names }
end
