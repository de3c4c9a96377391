-- What is written down before anything is sent, so that a run that is cut off leaves it known.

local function isOfRun(mark, run)
  return mark and string.sub(mark, -#run) == run
end

--- From here on a run that is cut off may have moved its user, or made one. What an earlier one has left open stays open. That a deletion
--- may have been sent is noted where it is authorized.
--- movingSince: '<since> <since when an earlier one may have moved it, or -> <run>'.
--- createInDoubt: '<since> <since when an earlier one is, or -> <what that asked for, or -> <what this asks for> <run>'.
local function opened(job, record)
  if job.name == 'move-user' then
    if isOfRun(record.movingSince, job.run) then
      return {}
    end
    local earlier = string.match(record.movingSince or '-', '^%S+')
    return { movingSince = table.concat({ ms(now), earlier, job.run }, ' ') }
  end
  if job.name ~= 'create-user' or isOfRun(record.createInDoubt, job.run) then
    return {}
  end
  local since, _, about, asked = string.match(record.createInDoubt or '- - - -', '^(%S+) (%S+) (%S+) (%S+)')
  if asked ~= '-' and not string.find(',' .. about .. ',', ',' .. asked .. ',', 1, true) then
    about = about == '-' and asked or about .. ',' .. asked
  end
  local isPast = record.state == 'live' or record.state == 'deleted' or record.deletingSince
  local generation = tonumber(record.generation or '0') + (isPast and 1 or 0)
  local asks = job.asksFor or string.format('derived:%d', generation)
  return { createInDoubt = table.concat({ ms(now), since, about, asks, job.run }, ' ') }
end

--- A look-up has shown the user under another record than the run's first one: the two records become one, or the first is unlocked.
--- Answers the record id of the clientId that stays locked besides, or ''.
local function joinRecords(job, earlier, recordId)
  local first = recordOf(earlier)
  if job.name == 'create-user' and recordId ~= job.userHash then
    -- The user is remembered under another clientId: two sign-ups never become one. What this run has begun is about that user.
    if isOfRun(first.createInDoubt, job.run) then
      local since, about = string.match(first.createInDoubt, '^%S+ (%S+) (%S+)')
      if since == '-' then
        drop(earlier, 'createInDoubt')
      else
        set(earlier, { createInDoubt = table.concat({ since, '-', about, '-', 'ended' }, ' ') })
      end
    end
    return earlier
  end
  if job.name == 'delete-user' and first.formerUserId then
    -- The clientId that this user has given up leads to no user: it stays so.
    unlock(earlier)
  else
    merge(earlier, recordId)
  end
  return ''
end
