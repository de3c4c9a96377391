-- The chain of an instance's receipts: the sequence and the hash of the last one. The caller has read its end and made the next receipt.

--- Whether the receipt is the next one: no other process has appended one meanwhile.
local function isNext(receipt)
  return (redis.call('HGET', receipt.key, 'sequence') or '0') == receipt.after
end

local function append(receipt)
  redis.call('HSET', receipt.key, 'sequence', receipt.sequence, 'hash', receipt.hash)
end
