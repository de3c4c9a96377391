-- Notes that an import is complete, where it stands at its end.
--   KEYS: 1 the import
--   ARGV: 1 the run, 2 its end, 3 the clock in ms
--   Answers {'over', the run that has the import, or ''} | {'moved', where it stands} | {'complete'}
local owner, at = unpack(redis.call('HMGET', KEYS[1], 'run', 'at'))
if owner ~= ARGV[1] then
  return { 'over', owner or '' }
end
if at ~= ARGV[2] then
  return { 'moved', at }
end
redis.call('HSET', KEYS[1], 'complete', ARGV[3])
return { 'complete' }
