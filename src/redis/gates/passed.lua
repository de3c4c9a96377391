-- Damoov has answered this process lately: while it does, no other that hears nothing shuts the gate for all.
--   KEYS: 1 who has passed the gate last
--   ARGV: 1 who, 2 the clock in ms, or none
redis.call('SET', KEYS[1], string.format('%.0f', clockMs(ARGV[2])) .. ' ' .. ARGV[1], 'EX', 60)
