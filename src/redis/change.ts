/**
 * Optimistic concurrency: a decision in TypeScript reads from Redis and returns what to write. The writes are applied atomically, and only
 * if nothing that the decision read has changed since; otherwise the decision is called again. So it is a testable function.
 */
import { z } from 'zod';
import { RedisRefusedError } from './refusal.ts';
import { type ScriptSource, jsonScriptsOf, luaBeside } from './scripts.ts';

/** A command on one key. Beside those of Redis: EXPIRE-AT-LEAST key seconds, DEL-IF-EMPTY key set. */
export type Command = readonly [name: string, key: string, ...rest: (string | number)[]];

export interface Decision<Answer> {
  answer: Answer;
  /** Applied all or none. */
  writes?: readonly Command[];
  /** Writes only if fewer than `limit` members were added to this sorted set in that time, and adds one; else answers `otherwise`. */
  room?: { key: string; member: string; limit: number; withinMs: number; otherwise: Answer };
}

/** What a decision reads: a consistent snapshot. It records each read, so that exactly these are compared before the writes. */
export class Seen {
  readonly #now: number | undefined;
  readonly #replies: ReadonlyMap<string, unknown>;
  readonly #asked = new Map<string, Command>();
  #isBlind = false;

  constructor(now?: number, replies: ReadonlyMap<string, unknown> = new Map()) {
    this.#now = now;
    this.#replies = replies;
  }

  /** All reads, if some are not in the snapshot yet: those returned nothing, so the decision is discarded. Else undefined. */
  get missing(): Command[] | undefined {
    return this.#isBlind ? [...this.#asked.values()] : undefined;
  }

  /** Epoch milliseconds by Redis' clock. */
  get now(): number {
    this.#isBlind ||= this.#now === undefined;
    return this.#now ?? 0;
  }

  /** The reply to a read-only command. */
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
 * Carries out a decision. It is called repeatedly, until all its reads are known and unchanged, so it must depend on nothing else.
 * @throws RedisRefusedError if other clients change what it read before each try.
 */
export type Change = <Answer>(decide: (seen: Seen) => Decision<Answer>) => Promise<Answer>;

/** Each conflict means that another client's change was applied, so only a key that changes without end uses up all tries. */
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
