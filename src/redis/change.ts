/**
 * Decides in TypeScript over what Redis holds, and writes only if nothing that the decision has read changed meanwhile; else it decides
 * again. So a decision is a function that can be read and tested, and still one step in Redis.
 */
import { z } from 'zod';
import { RedisRefusedError } from './refusal.ts';
import { type ScriptSource, jsonScriptsOf, luaBeside } from './scripts.ts';

/** A command on one key. Beside those of Redis: EXPIRE-AT-LEAST key seconds, DEL-IF-EMPTY key set. */
export type Command = readonly [name: string, key: string, ...rest: (string | number)[]];

export interface Decision<Answer> {
  answer: Answer;
  /** All are carried out, or none. */
  writes?: readonly Command[];
  /** Unless fewer than `limit` members were added to this sorted set in that time, nothing is written, and the answer is `otherwise`. */
  room?: { key: string; member: string; limit: number; withinMs: number; otherwise: Answer };
}

/** What a decision reads: all of it is of one moment. */
export class Seen {
  readonly #now: number | undefined;
  readonly #replies: ReadonlyMap<string, unknown>;
  readonly #asked = new Map<string, Command>();
  #isBlind = false;

  constructor(now?: number, replies: ReadonlyMap<string, unknown> = new Map()) {
    this.#now = now;
    this.#replies = replies;
  }

  /** All that was read, if some of it is not known yet: that was answered with nothing, and the decision does not count. */
  get missing(): Command[] | undefined {
    return this.#isBlind ? [...this.#asked.values()] : undefined;
  }

  /** Epoch milliseconds by Redis' clock. */
  get now(): number {
    this.#isBlind ||= this.#now === undefined;
    return this.#now ?? 0;
  }

  /** The reply to a command that only reads. */
  read(...command: Command): unknown {
    const id = JSON.stringify(command);
    this.#asked.set(id, command);
    this.#isBlind ||= !this.#replies.has(id);
    return this.#replies.get(id);
  }

  text(...command: Command): string | undefined {
    return textIn(this.read(...command));
  }

  list(...command: Command): (string | undefined)[] {
    const reply = this.read(...command);
    return Array.isArray(reply) ? reply.map(textIn) : [];
  }

  /** Of a member of a sorted set. */
  score(key: string, member: string): number | undefined {
    const score = this.text('ZSCORE', key, member);
    return score === undefined ? undefined : Number(score);
  }
}

function textIn(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}

/**
 * Carries out a decision, which is called again until all that it reads is known and has not changed; it must depend on nothing else.
 * @throws RedisRefusedError where others change that each time.
 */
export type Change = <Answer>(decide: (seen: Seen) => Decision<Answer>) => Promise<Answer>;

/** Of those who change the same at once, one comes through each time. */
const MOST_TRIES = 200;

export function changesIn(source: ScriptSource): Change {
  const script = jsonScriptsOf(source, { change: luaBeside(import.meta.url)('change') });
  return async (decide) => {
    let seen = new Seen();
    let version: string | undefined;
    let reads: Command[] = [];
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { answer, writes = [], room } = decide(seen);
      const { missing } = seen;
      if (missing === undefined && writes.length === 0) return answer;
      reads = missing ?? reads;
      const keys = new Set([...reads, ...writes].map(([, key]) => key));
      if (room !== undefined) keys.add(room.key);
      const asked = missing === undefined ? { reads, version, writes, room } : { reads };
      const reply = await script('change')([...keys], asked);
      if (reply === 'written') return answer;
      if (reply === 'full' && room !== undefined) return room.otherwise;
      const state = State.parse(JSON.parse(String(reply)));
      version = state.version;
      seen = new Seen(state.now, new Map(reads.map((read, n) => [JSON.stringify(read), state.replies[n]])));
    }
    throw new RedisRefusedError('CONTENDED');
  };
}

// Lua writes an empty list as an object.
const State = z.object({ version: z.string(), now: z.number(), replies: z.array(z.unknown()).catch([]) });
