/**
 * Which alerts the fleet has sent, in Redis: each worker looks, and one of them sends.
 */
import type { ScriptSource } from '../../redis/scripts.ts';
import { type Command, type Decision, type Seen, changesIn } from '../../redis/change.ts';

/** A state that an alert is about. */
export interface AlertState {
  name: string;
  /** How long it must last before an alert is sent, in milliseconds. */
  patienceMs: number;
}

/** What this worker is to send: names. */
export interface Sendings {
  begun: string[];
  over: string[];
}

export interface AlertStore {
  /** Compares the present states with the known ones, and takes over what is to be sent. */
  take(states: readonly AlertState[]): Promise<Sendings>;
  /** It could not be sent: the next look takes it over again. */
  giveBack(sendings: Sendings): Promise<void>;
}

/** An alert is repeated if its state still lasts, in milliseconds. */
const REPEAT_MS = 24 * 3_600_000;
const KEEP_S = 30 * 24 * 3600;

export function createAlertStore(source: ScriptSource, prefix: string): AlertStore {
  const key = `${prefix}:alerts`;
  const change = changesIn(source);
  return {
    take: (states) => change((seen) => take(seen, key, states)),
    async giveBack({ begun, over }) {
      const writes: Command[] = [
        ...begun.map((name): Command => ['HSET', key, name, '0 0']),
        // Marked as sent: the next look finds it over again.
        ...over.map((name): Command => ['HSET', key, name, '0 1']),
        ['EXPIRE-AT-LEAST', key, KEEP_S],
      ];
      await change(() => ({ answer: undefined, writes }));
    },
  };
}

/** Of each name: since when its state lasts, and when it was sent last, 0 for never. In epoch milliseconds. */
function take(seen: Seen, key: string, states: readonly AlertState[]): Decision<Sendings> {
  const flat = seen.list('HGETALL', key);
  const known = new Map<string, [since: number, sentAt: number]>();
  for (let at = 0; at < flat.length; at += 2) {
    const [since = 0, sentAt = 0] = (flat[at + 1] ?? '').split(' ').map(Number);
    known.set(flat[at] ?? '', [since, sentAt]);
  }
  const sendings: Sendings = { begun: [], over: [] };
  const writes: Command[] = [];
  for (const { name, patienceMs } of states) {
    const [since, sentAt] = known.get(name) ?? [seen.now, 0];
    const isDue = seen.now - since >= patienceMs && seen.now - sentAt >= REPEAT_MS;
    if (isDue) sendings.begun.push(name);
    if (isDue || !known.has(name)) writes.push(['HSET', key, name, `${since} ${isDue ? seen.now : sentAt}`]);
  }
  for (const [name, [, sentAt]] of known) {
    if (states.some((state) => state.name === name)) continue;
    writes.push(['HDEL', key, name]);
    if (sentAt > 0) sendings.over.push(name);
  }
  if (writes.length > 0) writes.push(['EXPIRE-AT-LEAST', key, KEEP_S]);
  return { answer: sendings, writes };
}
