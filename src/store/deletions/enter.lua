-- Enters a deletion into the index, once its job is added. One that takes the place of another voids that one.
--   KEYS: 1 the index, 2 the name
--   ARGV: 1 as JSON {base: of the names' keys, hash, jobId, dueAt in ms, keepS: seconds to keep a name,
--         replaces?: id of the job whose place it takes}
--   Answers 'entered' | 'taken': it was entered before | 'too-late': the other may have sent its DELETE | 'gone': the other pends no more
local asked, index = cjson.decode(ARGV[1]), KEYS[1]
local name = stateOf(asked.base, asked.hash)
if name.isOver and name.jobId == asked.jobId then
  -- A worker was faster.
  return 'entered'
end
if asked.replaces then
  if name.jobId ~= asked.replaces or not redis.call('ZSCORE', index, asked.replaces) then
    return redis.call('ZSCORE', index, asked.jobId) and 'taken' or 'gone'
  end
  if isSent(name) then
    return 'too-late'
  end
  redis.call('HSET', name.key, 'number', name.number + 1, 'voidBelow', name.number + 1)
  keep(name.key, asked.keepS, asked.dueAt)
  redis.call('ZREM', index, asked.replaces)
end
return redis.call('ZADD', index, 'NX', asked.dueAt, asked.jobId) == 1 and 'entered' or 'taken'
