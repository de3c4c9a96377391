-- Carries out several calls of the script above in one. Each is a step of its own, whatever becomes of the others.
--   KEYS: those of all calls, one call after the other
--   ARGV: 1 what all calls share, for the script above; then for each call how many keys and how many arguments it has, then its arguments
--   Answers for each call {1, its answer} | {0, its error}
local answers, key, at = {}, 1, 2
while ARGV[at] do
  local keys, arguments = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local from = at + 2
  local hasRun, answer = pcall(call, { unpack(KEYS, key, key + keys - 1) }, { unpack(ARGV, from, from + arguments - 1) })
  local fault = type(answer) == 'table' and answer.err
  if not hasRun then
    -- Servers before Redis 7 throw a text.
    fault = fault or tostring(answer)
  end
  if fault and string.find(fault, 'READONLY', 1, true) then
    -- For this the client looks for the new master and calls again; nothing can have been written.
    return redis.error_reply('READONLY it is a replica')
  end
  table.insert(answers, fault and { 0, fault } or { 1, answer or false })
  key, at = key + keys, from + arguments
end
return answers
