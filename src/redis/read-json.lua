-- Reads JSON that another client has written.

--- With U+FFFD for each escape of a lone surrogate, which the decoder of Redis refuses. No JSON has a control character as it is.
local function wellFormed(json)
  json = string.gsub(json, '\\\\', '\1')
  json = string.gsub(json, '\\u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)', '\2%1\3%2')
  json = string.gsub(json, '\\u[dD][89a-fA-F]%x%x', '\\ufffd')
  json = string.gsub(json, '[\2\3]', '\\u')
  return (string.gsub(json, '\1', '\\\\'))
end

--- The object; nothing for what is none.
local function readObject(json)
  local isRead, value = pcall(cjson.decode, json)
  if not isRead then
    isRead, value = pcall(cjson.decode, wellFormed(json))
  end
  return isRead and type(value) == 'table' and value or nil
end
