-- How many deletions are pending, by when they are due. Changes nothing.
--   KEYS: 1 the index
--   ARGV: 1 as JSON {ends: of spans, in ms and in order}
--   Answers {how many in all, ms when the first is due, or '', how many until each end}
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local counts = { redis.call('ZCARD', KEYS[1]), first[2] or '' }
for _, till in ipairs(cjson.decode(ARGV[1]).ends) do
  table.insert(counts, redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ms(till)))
end
return counts
