-- Where a job finds the record of its user, and how two records become one.

local MOST_FAILURES = 100
local MOST_LATER = 100

--- The failed jobs of a user: their versions, by the ms of each. What they say is erased once the user is deleted.
local function failuresOf(id)
  return keyOf(id) .. ':failures'
end

local function trimFailures(id)
  redis.call('ZREMRANGEBYRANK', failuresOf(id), 0, -MOST_FAILURES - 1)
  refresh(failuresOf(id))
end

--- The jobs of a user that go on later: why, as JSON, by their ids.
local function laterOf(id)
  return keyOf(id) .. ':later'
end

local function noteLater(id, jobId, why)
  if redis.call('HLEN', laterOf(id)) < MOST_LATER then
    redis.call('HSET', laterOf(id), jobId, why)
    refresh(laterOf(id))
  end
end

local function moveFailures(from, to)
  local left, there = failuresOf(from), failuresOf(to)
  if redis.call('EXISTS', left) == 1 then
    redis.call('ZUNIONSTORE', there, 2, there, left, 'AGGREGATE', 'MAX')
    trimFailures(to)
    redis.call('DEL', left)
  end
end

local function moveJobs(from, to)
  moveFailures(from, to)
  local later = redis.call('HGETALL', laterOf(from))
  if #later > 0 then
    redis.call('HSET', laterOf(to), unpack(later))
    refresh(laterOf(to))
    redis.call('DEL', laterOf(from))
  end
end

--- The record id of this job's user, by the ids that the job has and how they are known. No record lies under the empty name.
local function findRecordId(job)
  local client = recordIdAt(job.clientHash, job.version)
  if job.userHash == '' then
    return client
  end
  local user = recordIdOf(job.userHash)
  if job.knownAs == 'derived' then
    -- A record of the id's own was written by jobs that name the user by it; one that it only points to is another client's.
    local isOwn = user == job.userHash and exists(user)
    return (isOwn and not exists(client)) and user or client
  end
  if exists(user) then
    return user
  end
  -- Beside a userId, which is the address, a clientId may be anybody's.
  return (job.knownAs == 'found' or recordOf(client).userId == job.userId) and client or user
end

--- The job's ids point to this record from now on, and stay as long as it does.
local function keepPointers(job, recordId)
  local isSeen = job.knownAs == 'found' or job.name == 'create-user'
  local mayPoint = { [job.userHash] = isSeen, [job.clientHash] = job.knownAs == 'derived' }
  for id, may in pairs(mayPoint) do
    if id ~= '' and id ~= recordId then
      if may and not exists(id) then
        point(id, recordId)
      else
        refreshUser(id)
      end
    end
  end
  refreshUser(recordId)
end

local function isVersion(field)
  return field == 'created' or field == 'deleted' or field == 'moved' or string.sub(field, 1, 8) == 'written:'
end

--- Turns a record that was found to be another's into a pointer; what it alone knows moves along, and so do its blocked jobs. The caller
--- locks the other one next.
local function merge(from, to)
  local there = recordOf(to)
  for field, value in pairs(recordOf(from)) do
    local isNewer = there[field] and isVersion(field) and timeOf(value) > timeOf(there[field])
    if field ~= 'movedUser' and (isNewer or not there[field]) then
      set(to, { [field] = value })
    end
  end
  local line = redis.call('ZRANGE', blockedKeyOf(from), 0, -1, 'WITHSCORES')
  for i = 1, #line, 2 do
    addBlocked(to, { jobId = line[i], score = line[i + 1] })
  end
  clear(from)
  redis.call('DEL', blockedKeyOf(from))
  moveJobs(from, to)
  point(from, to)
end
