-- What the scripts share that read a sorted set in pages. A place is a score and a member, so that it stays where it is while
-- members come and go around it, the one that it names included.

--- Members of one score lie in the order of their bytes; Lua's own < goes by the locale of the server.
local function isBefore(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

--- The rank of the first member behind a place in a sorted set, which need not be there any more.
local function rankBehind(set, score, member)
  local low = redis.call('ZCOUNT', set, '-inf', '(' .. score)
  if member == '' then
    return low
  end
  if tonumber(redis.call('ZSCORE', set, member)) == tonumber(score) then
    return redis.call('ZRANK', set, member) + 1
  end
  local high = redis.call('ZCOUNT', set, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBefore(member, redis.call('ZRANGE', set, middle, middle)[1]) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end
