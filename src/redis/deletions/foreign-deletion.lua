-- Whether a job that others have added is a deletion of this user.
--   ARGV: 1 base of the jobs' keys, 2 the largest data to look into, 3 instance, 4 clientId, or none, 5 userId in lower case,
--         or none
local base, mostData, instance, clientId, userId = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

local function isMeant(jobId)
  -- Ours are found by their id.
  if string.find(jobId, '^del%-[%w_-]+$') and #jobId >= 20 then
    return false
  end
  local key = base .. jobId
  if redis.call('HGET', key, 'name') ~= 'delete-user' or redis.call('HSTRLEN', key, 'data') > mostData then
    return false
  end
  local data = readObject(redis.call('HGET', key, 'data') or '')
  if not data or (data.instance or 'default') ~= instance then
    return false
  end
  local isClient = clientId ~= '' and data.clientId == clientId
  return isClient or (userId ~= '' and type(data.userId) == 'string' and string.lower(data.userId) == userId)
end

local meant = {}
local function look(ids, step)
  for i = 1, #ids, step or 1 do
    if isMeant(ids[i]) then
      meant[#meant + 1] = ids[i]
    end
  end
end
