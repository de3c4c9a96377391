/**
 * What the dashboard shows, read at most every two seconds however many look, and kept for when Redis is away. Knows no way to
 * show it.
 */
import type { DayOfDeletions } from '../../redis/deletions/calendar.ts';
import type { MinuteOfOutcomes } from '../../redis/ledger/outcome-counts.ts';
import type { FleetStatus } from '../fleet-status.ts';
import { within } from '../within.ts';

export interface ReadingSources {
  fleet: () => Promise<FleetStatus>;
  minutes: () => Promise<MinuteOfOutcomes[]>;
  calendar: () => Promise<DayOfDeletions[]>;
  /** Whether Redis takes commands: what is sent meanwhile would wait for it. */
  isThere: () => boolean;
  now?: () => number;
}

export interface State {
  fleet: FleetStatus;
  /** The last hour, the oldest minute first. */
  minutes: MinuteOfOutcomes[];
  calendar: DayOfDeletions[];
}

/** `last`: what was read before, if anything was. */
export type Reading = { is: 'fresh'; state: State } | { is: 'away'; last?: State };

const FRESH_MS = 2000;
/** Longer than this nobody who looks wants to wait, in milliseconds. */
const PATIENCE_MS = 3000;

/** Answers how to read it, as often as is wanted. */
export function createReader(sources: ReadingSources): () => Promise<Reading> {
  const { isThere, now = Date.now } = sources;
  let last: State | undefined;
  let reading: { since: number; state: Promise<State | undefined> } | undefined;

  return async () => {
    if (!isThere()) return away();
    if (reading === undefined || now() - reading.since >= FRESH_MS) {
      reading = { since: now(), state: within(PATIENCE_MS, read(sources)) };
    }
    const state = await reading.state;
    if (state === undefined) {
      reading = undefined;
      return away();
    }
    last = state;
    return { is: 'fresh', state };
  };

  function away(): Reading {
    return { is: 'away', ...(last !== undefined && { last }) };
  }
}

async function read(sources: ReadingSources): Promise<State> {
  const [fleet, minutes, calendar] = await Promise.all([
    sources.fleet(),
    sources.minutes(),
    sources.calendar(),
  ]);
  return { fleet, minutes, calendar };
}
