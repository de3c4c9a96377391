-- What is written down before anything is sent, so that a run that is cut off leaves it known.

local function isOfRun(mark, run)
  return mark and string.sub(mark, -#run) == run
end

--- From here on a run that is cut off may have made a user, or deleted one. What an earlier one has left open stays open.
--- createInDoubt: '<since> <since when an earlier one is, or -> <what that asked for, or -> <what this asks for> <run>'.
local function opened(job, record, now)
  if job.name == 'delete-user' and not record.deletingSince then
    return { deletingSince = string.format('%.0f %s', now, job.run) }
  end
  if job.name ~= 'create-user' or isOfRun(record.createInDoubt, job.run) then
    return {}
  end
  local since, _, about, asked = string.match(record.createInDoubt or '', '^(%S+) (%S+) (%S+) (%S+)')
  local known = about or '-'
  if asked and asked ~= '-' and not string.find(',' .. about .. ',', ',' .. asked .. ',', 1, true) then
    known = about == '-' and asked or about .. ',' .. asked
  end
  local isPast = record.state == 'live' or record.state == 'deleted' or record.deletingSince
  local generation = tonumber(record.generation or '0') + (isPast and 1 or 0)
  local asks = job.asksFor == 'derived' and string.format('derived:%d', generation) or job.asksFor
  return { createInDoubt = string.format('%.0f %s %s %s %s', now, since or '-', known, asks, job.run) }
end

--- A look-up has shown the user under another name than the run's first one: the two records become one, or the first is let go.
--- Answers the place of the clientId that stays locked besides, or ''.
local function joinRecords(job, records, earlier, place, letGo)
  local first = records.of(earlier)
  if job.name == 'create-user' and place ~= job.userHash then
    -- The user is remembered under another clientId: two sign-ups never become one. What this run has begun is about that user.
    if isOfRun(first.createInDoubt, job.run) then
      local since, about = string.match(first.createInDoubt, '^%S+ (%S+) (%S+)')
      if since == '-' then
        records.drop(earlier, 'createInDoubt')
      else
        records.set(earlier, { createInDoubt = string.format('%s - %s - ended', since, about) })
      end
    end
    return earlier
  end
  if job.name == 'delete-user' and first.gaveUpBy then
    -- The clientId that this user has given up leads to nobody: it stays so.
    if isOfRun(first.deletingSince, job.run) then
      records.drop(earlier, 'deletingSince')
    end
    letGo(earlier)
  else
    merge(job, records, earlier, place)
  end
  return ''
end
