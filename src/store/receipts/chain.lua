-- The chain of an instance's receipts: its last sequence and hash. A receipt gets its place in the step that settles its deletion, so
-- its hash, which the next one names, is computed here.

local function big32(number)
  return string.char(math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256, math.floor(number / 256) % 256, number % 256)
end

--- SHA-256 as FIPS 180-4 defines it.
local function sha256(message)
  local K = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  }
  local H = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
  local band, bxor, bnot, ror, shr = bit.band, bit.bxor, bit.bnot, bit.ror, bit.rshift
  local padded = message .. '\128' .. string.rep('\0', (55 - #message) % 64) .. big32(0) .. big32(#message * 8)
  local hash = { unpack(H) }
  for from = 1, #padded, 64 do
    local w = {}
    for i = 1, 16 do
      local a, b, c, d = string.byte(padded, from + 4 * i - 4, from + 4 * i - 1)
      w[i] = ((a * 256 + b) * 256 + c) * 256 + d
    end
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), shr(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), shr(y, 10))
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) % 4294967296
    end
    local a, b, c, d, e, f, g, h = unpack(hash)
    for i = 1, 64 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local t1 = h + s1 + bxor(band(e, f), band(bnot(e), g)) + K[i] + w[i]
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local t2 = s0 + bxor(band(a, b), band(a, c), band(b, c))
      h, g, f, e, d, c, b, a = g, f, e, (d + t1) % 4294967296, c, b, a, (t1 + t2) % 4294967296
    end
    for i, value in ipairs({ a, b, c, d, e, f, g, h }) do
      hash[i] = (hash[i] + value) % 4294967296
    end
  end
  local hex = {}
  for i, value in ipairs(hash) do
    hex[i] = bit.tohex(value)
  end
  return table.concat(hex)
end

--- Appends a receipt, given as the parts of its canonical JSON around `previous` and `sequence`. Answers its sequence and what it names
--- as the one before it.
local function appendReceipt(receipt)
  local head = redis.call('HMGET', receipt.key, 'sequence', 'hash')
  local sequence, previous = string.format('%.0f', tonumber(head[1] or '0') + 1), head[2] or string.rep('0', 64)
  local parts = receipt.parts
  local hash = sha256(parts[1] .. previous .. parts[2] .. sequence .. parts[3])
  redis.call('HSET', receipt.key, 'sequence', sequence, 'hash', hash)
  return sequence, previous
end
