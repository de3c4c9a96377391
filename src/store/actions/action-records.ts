/**
 * The actions of operators on the dashboard, in Redis: each begins once, says how far it is, and is known to be interrupted once its
 * worker gives no sign of life. Kept for a day; what was done stays in the audit log.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Change, type Command, type Seen, changesIn } from '../../redis/change.ts';
import type { ScriptSource } from '../../redis/scripts.ts';

/**
 * `begun`: nothing is changed yet. `stopped`: before its end, as its worker was stopped. `failed`: by a fault. `refused`: before
 * anything was changed, as it could not be recorded in time.
 */
const STATES = ['begun', 'running', 'done', 'stopped', 'failed', 'refused'] as const;

export interface ActionFacts {
  /** The command that does the same. */
  command: string;
  /** The account. */
  who: string;
  /** As the operator confirmed it: `Retry 12 failed jobs?`. */
  question: string;
  total: number;
}

export interface ActionState {
  state: (typeof STATES)[number];
  done: number;
  /** How many more are perhaps done. */
  inDoubt: number;
  /** How it ended, in a sentence. */
  text: string;
}

export type ActionRecord = ActionFacts &
  ActionState & {
    /** Whether its worker carries it out. */
    isAlive: boolean;
  };

export interface ActionRecords {
  /** The key that signs the forms of all workers. */
  formKey: () => Promise<string>;
  /** False if it was begun before. */
  begin(id: string, facts: ActionFacts): Promise<boolean>;
  /** False if it counts as interrupted meanwhile: then it must not go on. */
  note(id: string, state?: Partial<ActionState>): Promise<boolean>;
  end(id: string, state: Partial<ActionState>): Promise<void>;
  /** Undefined if there is none, or no more. */
  read(id: string): Promise<ActionRecord | undefined>;
  /** Remembers what was counted for an action, until it is confirmed. */
  keepChosen(id: string, jobIds: readonly string[]): Promise<void>;
  /** Some of them, from this place on. */
  chosen(id: string, from: number, count: number): Promise<string[]>;
}

/** How long an action is kept, in seconds. */
export const KEEP_S = 24 * 3600;
/** Longer than a worker is ever busy with other work, in seconds. */
const ALIVE_S = 15;
const CHOICE_S = 15 * 60;
/** Ids per command. */
const AT_ONCE = 1000;

/** How often a worker gives a sign of life, in milliseconds. */
export const SIGN_MS = 4000;

export function createActionRecords(source: ScriptSource, prefix: string): ActionRecords {
  const change = changesIn(source);
  return {
    ...progressOf(change, prefix),
    ...choicesOf(change, prefix),
    formKey: () => {
      const name = `${prefix}:form-key`;
      const fresh = randomBytes(32).toString('base64url');
      return change((seen) => {
        const known = seen.text('GET', name);
        return { answer: known ?? fresh, writes: known === undefined ? [['SET', name, fresh]] : [] };
      });
    },
  };
}

function keysOf(prefix: string, id: string) {
  const record = `${prefix}:action:${id}`;
  const alive = `${record}:alive`;
  const sign: Command = ['SET', alive, '1', 'EX', ALIVE_S];
  return { record, alive, sign, chosen: `${record}:chosen` };
}

function progressOf(change: Change, prefix: string): Pick<ActionRecords, 'begin' | 'note' | 'end' | 'read'> {
  return {
    begin: (id, facts) => {
      const { record, sign, chosen } = keysOf(prefix, id);
      const fields = flat({ ...facts, state: 'begun', done: 0, inDoubt: 0, text: '' });
      const kept = [record, chosen].map((key): Command => ['EXPIRE', key, KEEP_S]);
      const call = randomBytes(16).toString('base64url');
      return change((seen) => {
        // The same call again, if a reply was lost: then this worker is the one that has to do it.
        const begunBy = seen.text('HGET', record, 'begunBy');
        if (begunBy !== undefined) return { answer: begunBy === call };
        return { answer: true, writes: [['HSET', record, 'begunBy', call, ...fields], ...kept, sign] };
      });
    },
    note: (id, state = {}) => {
      const { record, alive, sign } = keysOf(prefix, id);
      const fields = flat(state);
      const writes: Command[] = fields.length === 0 ? [sign] : [['HSET', record, ...fields], sign];
      return change((seen) => (isThere(seen, alive) ? { answer: true, writes } : { answer: false }));
    },
    end: (id, state) => {
      const { record, alive } = keysOf(prefix, id);
      const writes: Command[] = [
        ['HSET', record, ...flat(state)],
        ['DEL', alive],
      ];
      return change((seen) => ({ answer: undefined, writes: isThere(seen, record) ? writes : [] }));
    },
    read: (id) => {
      const { record, alive } = keysOf(prefix, id);
      return change((seen) => {
        const isAlive = isThere(seen, alive);
        const stored = Stored.safeParse(objectOf(seen.list('HGETALL', record))).data;
        return { answer: stored && { ...stored, isAlive } };
      });
    },
  };
}

function choicesOf(change: Change, prefix: string): Pick<ActionRecords, 'keepChosen' | 'chosen'> {
  return {
    async keepChosen(id, jobIds) {
      const { chosen } = keysOf(prefix, id);
      for (let from = 0; from < jobIds.length; from += AT_ONCE) {
        const writes: Command[] = [
          ['RPUSH', chosen, ...jobIds.slice(from, from + AT_ONCE)],
          ['EXPIRE', chosen, CHOICE_S],
        ];
        // Not twice, if a reply was lost.
        await change((seen) => ({
          answer: undefined,
          writes: Number(seen.read('LLEN', chosen)) > from ? [] : writes,
        }));
      }
    },
    async chosen(id, from, count) {
      const { chosen } = keysOf(prefix, id);
      const ids = await change((seen) => ({
        answer: seen.list('LRANGE', chosen, from, from + count - 1),
      }));
      return ids.flatMap((jobId) => jobId ?? []);
    },
  };
}

const count = z.coerce.number().int();
const Stored = z.object({
  command: z.string(),
  who: z.string(),
  question: z.string(),
  total: count,
  state: z.enum(STATES),
  done: count,
  inDoubt: count,
  text: z.string(),
});

function isThere(seen: Seen, key: string): boolean {
  return seen.read('EXISTS', key) === 1;
}

function flat(fields: Readonly<Record<string, string | number>>): (string | number)[] {
  return Object.entries(fields).flat();
}

/** As HGETALL answers: a name, then its value. */
function objectOf(pairs: readonly (string | undefined)[]): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  for (let at = 0; at < pairs.length; at += 2) fields[pairs[at] ?? ''] = pairs[at + 1];
  return fields;
}
