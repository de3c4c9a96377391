-- How jobs of an import have ended.
--   KEYS: 1 the import
--   ARGV: 1 the run, '' of an import that is complete, 2 base of the jobs' keys, then their ids
--   Answers {'over', the run that has the import, or ''} | {'ends', of each that is over {its place in the list, 'gone'} |
--           {its place, 'failed', reason} | {its place, 'done', return value}}
local owner, complete = unpack(redis.call('HMGET', KEYS[1], 'run', 'complete'))
if owner ~= ARGV[1] and not (ARGV[1] == '' and complete) then
  return { 'over', owner or '' }
end
local ends = {}
for i = 3, #ARGV do
  local job = redis.call('HMGET', ARGV[2] .. ARGV[i], 'timestamp', 'finishedOn', 'failedReason', 'returnvalue')
  local place = i - 3
  if not job[1] then
    table.insert(ends, { place, 'gone' })
  elseif job[2] then
    table.insert(ends, job[4] and { place, 'done', job[4] } or { place, 'failed', job[3] or '' })
  end
end
return { 'ends', ends }
