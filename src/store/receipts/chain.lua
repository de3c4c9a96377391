-- The chain of an instance's receipts: the sequence and the hash of the last one. The caller knows its end and has made the next receipt.

--- Whether the receipt follows on the last one: no other process has appended one meanwhile.
local function isNext(receipt)
  return (redis.call('HGET', receipt.key, 'hash') or string.rep('0', 64)) == receipt.previous
end

local function append(receipt)
  redis.call('HSET', receipt.key, 'sequence', receipt.sequence, 'hash', receipt.hash)
end
