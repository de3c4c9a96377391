/**
 * The state for the dashboard, read at most every two seconds for any number of viewers, and kept while Redis is away.
 */
import type { DayOfDeletions } from '../../../store/deletions/due-counts.ts';
import type { MinuteOfOutcomes } from '../../../store/users/outcome-counts.ts';
import type { FleetStatus } from '../../fleet-status.ts';
import { cached } from '../../cached.ts';
import { withTimeout } from '../../with-timeout.ts';
import { PATIENCE_MS } from '../read-in-time.ts';

export interface ReadingSources {
  fleet: () => Promise<FleetStatus>;
  minutes: () => Promise<MinuteOfOutcomes[]>;
  calendar: () => Promise<DayOfDeletions[]>;
  /** Whether Redis is connected: otherwise calls would wait for it. */
  isThere: () => boolean;
  /** Epoch milliseconds. */
  now?: () => number;
}

export interface State {
  fleet: FleetStatus;
  /** The last hour, the oldest minute first. */
  minutes: MinuteOfOutcomes[];
  calendar: DayOfDeletions[];
}

/** `last`: the previous state, if any. */
export type Reading = { is: 'fresh'; state: State } | { is: 'away'; last?: State };

const FRESH_MS = 2000;
/** The most expensive part to read, and it changes the least. */
const CALENDAR_FRESH_MS = 15_000;
/** Returns a function that reads it. */
export function createReader(sources: ReadingSources): () => Promise<Reading> {
  const { fleet, minutes, isThere, now = Date.now } = sources;
  const calendar = cached(sources.calendar, { forMs: CALENDAR_FRESH_MS, now });
  const read = cached(
    async (): Promise<State> => {
      const [status, hour, days] = await Promise.all([fleet(), minutes(), calendar()]);
      return { fleet: status, minutes: hour, calendar: days };
    },
    { forMs: FRESH_MS, now },
  );
  let last: State | undefined;
  return async () => {
    const state = isThere() ? await withTimeout(PATIENCE_MS, read()) : undefined;
    if (state === undefined) return { is: 'away', ...(last !== undefined && { last }) };
    last = state;
    return { is: 'fresh', state };
  };
}
