-- Reads, and applies writes that were decided from the same replies: all or none.
--   KEYS: all that the commands name
--   ARGV: 1 as JSON {reads: commands, writes?: commands, version?: of the replies from which the writes were decided,
--         room?: {key of a sorted set, limit, member, withinMs}: written only if fewer than that were added to the set in that time;
--         the member is then added}
--   Answers 'written' | 'full' | JSON {version, now in ms by Redis' clock, replies: false for nothing}: not written
local asked = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

--- Whether the set had room for the member, which is added.
local function hasRoom(room)
  redis.call('ZREMRANGEBYSCORE', room.key, '-inf', now - room.withinMs)
  if redis.call('ZCARD', room.key) >= room.limit then
    return false
  end
  redis.call('ZADD', room.key, now, room.member)
  redis.call('PEXPIRE', room.key, room.withinMs)
  return true
end

local function write(name, key, ...)
  if name == 'EXPIRE-AT-LEAST' then
    redis.call('EXPIRE', key, math.max(redis.call('TTL', key), ...))
  elseif name ~= 'DEL-IF-EMPTY' then
    redis.call(name, key, ...)
  elseif redis.call('ZCARD', ...) == 0 then
    redis.call('DEL', key)
  end
end

local replies = {}
for i, command in ipairs(asked.reads) do
  replies[i] = redis.call(unpack(command))
end
local version = redis.sha1hex(cjson.encode(replies))
if not asked.writes or (#replies > 0 and version ~= asked.version) then
  return cjson.encode({ version = version, now = now, replies = replies })
end
if asked.room and not hasRoom(asked.room) then
  return 'full'
end
for _, command in ipairs(asked.writes) do
  write(unpack(command))
end
return 'written'
