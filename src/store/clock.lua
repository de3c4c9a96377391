--- Redis' own clock in ms, as the workers' clocks may differ; or the time that the caller gives.
local function nowMs(clockMs)
  if clockMs then
    return clockMs
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

--- Lua would write a time as 1.8e+12.
local function ms(value)
  return string.format('%.0f', value)
end
