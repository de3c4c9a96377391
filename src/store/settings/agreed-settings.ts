/**
 * What the workers of a fleet have to have alike, as the first of them told it. Knows neither what a setting means nor what follows
 * where one differs.
 */
import type { RedisConnection } from '../../redis/connection.ts';

export interface AgreedSettings {
  /**
   * The fleet's value, if it is another one. Else undefined: it is this one.
   * @param how `claims`: this value counts from now on if there was none; `replaces`: whatever there was; `compares`: neither.
   */
  agree(place: string, value: string, how?: 'claims' | 'replaces' | 'compares'): Promise<string | undefined>;
  /** The fleet's value; undefined if nobody has told one. */
  look(place: string): Promise<string | undefined>;
}

/**
 * The records of users live for 30 days after their last job, under names that depend on these settings: for so long a fleet that is
 * gone would clash with one that comes after it. Whoever agrees keeps a value for another 30 days.
 */
const KEEP_S = 30 * 24 * 3600;

// Asked a second time after a lost reply, it answers as the first time. Of two that come at once one is the first.
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

/** Every method waits for a Redis that is away, as its connection does. */
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
