-- Versions of jobs: `<ms> <rank> <job id>`, as version.ts writes them.

--- As those of the contract compare, but for two jobs of one kind and ms.
local function isOlder(version, other)
  local ms, rank = string.match(version, '^(%S+) (%S+)')
  local otherMs, otherRank = string.match(other, '^(%S+) (%S+)')
  if tonumber(ms) ~= tonumber(otherMs) then
    return tonumber(ms) < tonumber(otherMs)
  end
  return tonumber(rank) < tonumber(otherRank)
end

--- A version begins with its ms.
local function scoreOf(version)
  return string.match(version, '^%S+')
end

local function timeOf(version)
  return tonumber(scoreOf(version)) or 0
end
