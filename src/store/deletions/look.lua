-- What is known of a user's deletions. Changes nothing.
--   KEYS: 1 the salt, 2 the index, then the names of the user
--   ARGV: 1 as JSON {jobId?, timestamp? in ms: of a deletion that may be void, and see asked.lua}
--   Answers JSON {isVoid, pending?: {jobId, dueAt in ms, requestedAt in ms, or 0}}
local answer = { isVoid = asked.jobId ~= nil and standingOf(asked).void == 'cancelled' }
for _, name in ipairs(placesOf(asked.base, asked.hashes)) do
  local dueAt = redis.call('ZSCORE', KEYS[2], name.jobId)
  if dueAt and not answer.pending then
    answer.pending = { jobId = name.jobId, dueAt = tonumber(dueAt), requestedAt = name.requestedAt }
  end
end
return cjson.encode(answer)
