-- Answers {Redis' clock in ms, the value of KEYS[1] or ''}.
return { ms(nowMs()), redis.call('GET', KEYS[1]) or '' }
