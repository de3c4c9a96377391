/**
 * Settings that all workers of a fleet must share; the first worker stores them. Knows neither their meaning nor how a caller reacts to a
 * difference.
 */
import type { RedisConnection } from '../../redis/connection.ts';

export interface AgreedSettings {
  /**
   * Returns the fleet's value if it differs; undefined if it is the same.
   * @param how `claims`: stores this value if there is none; `replaces`: stores it in any case; `compares`: stores nothing.
   */
  agree(place: string, value: string, how?: 'claims' | 'replaces' | 'compares'): Promise<string | undefined>;
  /** The fleet's value; undefined if none is stored. */
  look(place: string): Promise<string | undefined>;
}

/**
 * User records live for 30 days after their last job, under names that depend on these settings: for that long a later fleet would clash
 * with a former one. Each agreement keeps the value for another 30 days.
 */
const KEEP_S = 30 * 24 * 3600;

// Repeated after a lost answer, it answers the same. Of two parallel calls one is the first.
const AGREE = `
local held = redis.call('GET', KEYS[1])
if not held and ARGV[2] == 'compares' then
  return ARGV[1]
end
if not held or ARGV[2] == 'replaces' then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
  return ARGV[1]
end
if held == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return held`;

/** Every method waits while Redis is away, as its connection does. */
export function createAgreedSettings(connection: RedisConnection, prefix: string): AgreedSettings {
  const keyOf = (place: string) => `${prefix}:agreed:${place}`;
  return {
    async agree(place, value, how = 'claims') {
      const held = await connection.eval(AGREE, 1, keyOf(place), value, how, KEEP_S);
      return held === value ? undefined : String(held);
    },
    look: async (place) => (await connection.get(keyOf(place))) ?? undefined,
  };
}
