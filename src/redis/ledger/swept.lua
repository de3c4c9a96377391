-- A sweep is over: its mark goes where nothing has set it anew meanwhile, and so does the lease where it is still ours.
--   KEYS: 1 the mark, 2 the lease
--   ARGV: 1 the mark as it was when the sweep began, 2 whose lease it was
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
if redis.call('GET', KEYS[2]) == ARGV[2] then
  redis.call('DEL', KEYS[2])
end
