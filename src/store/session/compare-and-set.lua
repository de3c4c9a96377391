-- Writes a value in the place of the one that the caller has seen. Called a second time (a reply was lost), it answers the same.
--   KEYS: 1 the key
--   ARGV: 1 as JSON {seen: '' if there was none, value: '' removes it, keepMs}
--   Answers 1 if the value is there now
local asked = cjson.decode(ARGV[1])
local current = redis.call('GET', KEYS[1]) or ''
if current ~= asked.seen and current ~= asked.value then
  return 0
end
if asked.value == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], asked.value, 'PX', ms(asked.keepMs))
end
return 1
