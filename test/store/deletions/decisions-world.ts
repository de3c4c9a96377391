/**
 * What decisions about deletions read and write, in memory: each is one step, as the change in Redis makes it.
 */
import { type Command, type Decision, Seen } from '../../../src/redis/change.ts';
import { cancelDeletions } from '../../../src/store/deletions/cancel-deletions.ts';
import { authorizeDelete, checkDeletion } from '../../../src/store/deletions/guard.ts';
import {
  type Scheduling,
  enterDeletion,
  scheduleDeletion,
} from '../../../src/store/deletions/schedule-deletion.ts';

export const A = 'a'.repeat(16);
export const B = 'b'.repeat(16);

/** In epoch milliseconds, small as in an example. */
type Times = { requestedAt?: number; dueAt?: number };

export class DecisionsWorld {
  now = 1000;
  /** Hashes, strings (in the field '') and sorted sets alike: fields by key. */
  readonly state = new Map<string, Map<string, string>>();
  /** Seconds for which each key was last kept at least. */
  readonly kept = new Map<string, number>();
  /** How many commands have written. */
  writes = 0;
  readonly lock = { key: 'P:lock', field: 'lockRun', value: 'me' };

  constructor() {
    this.#write(['HSET', this.lock.key, this.lock.field, this.lock.value]);
  }

  copy(): DecisionsWorld {
    const copy = new DecisionsWorld();
    copy.now = this.now;
    for (const [key, fields] of this.state) copy.state.set(key, new Map(fields));
    return copy;
  }

  /** Carries out a decision; it is made twice, as where a reply was lost, and must come to the same. */
  do<Answer>(decide: (seen: Seen) => Decision<Answer>): Answer {
    const [first, second] = [this.#once(decide), this.#once(decide)];
    if (JSON.stringify(first) !== JSON.stringify(second))
      throw new Error(`${JSON.stringify(first)}, then ${JSON.stringify(second)}`);
    return first;
  }

  #once<Answer>(decide: (seen: Seen) => Decision<Answer>): Answer {
    const replies = new Map<string, unknown>();
    for (;;) {
      const seen = new Seen(this.now, replies);
      const { answer, writes = [], room } = decide(seen);
      if (seen.missing === undefined) {
        if (room !== undefined) {
          const { size } = this.#at(room.key);
          if (size >= room.limit) return room.otherwise;
          this.#write(['ZADD', room.key, this.now, room.member]);
        }
        for (const write of writes) this.#write(write);
        this.writes += writes.length;
        return answer;
      }
      for (const command of seen.missing) replies.set(JSON.stringify(command), this.#read(command));
    }
  }

  #at(key: string): Map<string, string> {
    return this.state.get(key) ?? new Map<string, string>();
  }

  #read([name, key, ...rest]: Command): unknown {
    const fields = this.#at(key);
    if (name === 'HMGET') return rest.map((field) => fields.get(String(field)) ?? false);
    if (name === 'GET' || name === 'HGET' || name === 'ZSCORE')
      return fields.get(String(rest[0] ?? '')) ?? false;
    throw new Error(`${name} reads nothing that is known here`);
  }

  #write([name, key, ...rest]: Command): void {
    const fields = this.#at(key);
    const texts = rest.map(String);
    if (name === 'HSET')
      for (let n = 0; n < texts.length; n += 2) fields.set(texts[n] ?? '', texts[n + 1] ?? '');
    else if (name === 'HSETNX') fields.set(texts[0] ?? '', fields.get(texts[0] ?? '') ?? texts[1] ?? '');
    else if (name === 'HDEL' || name === 'ZREM') for (const field of texts) fields.delete(field);
    else if (name === 'ZADD') fields.set(texts[1] ?? '', texts[0] ?? '');
    else if (name === 'DEL') fields.clear();
    else if (name === 'DEL-IF-EMPTY') {
      if (this.#at(texts[0] ?? '').size === 0) fields.clear();
    } else if (name === 'EXPIRE-AT-LEAST') {
      if (fields.size > 0) this.kept.set(key, Number(rest[0]));
    } else throw new Error(`${name} writes nothing that is known here`);
    if (fields.size > 0) this.state.set(key, fields);
    else this.state.delete(key);
  }

  readonly #names = (hashes: string[]) => ({ prefix: 'P', salt: '', hashes });

  set(key: string, fields: Record<string, string | number>): void {
    this.#write(['HSET', key, ...Object.entries(fields).flat()]);
  }

  /** The fields of a name. */
  name(hash: string): Record<string, string> {
    return Object.fromEntries(this.#at(`P:deletion:${hash}`));
  }

  dueAt(jobId: string): string | undefined {
    return this.#at('P:deletions-pending').get(jobId);
  }

  pending(): string[] {
    return [...this.#at('P:deletions-pending').keys()];
  }

  /** The decision over a request alone. */
  ask(hashes: string[], asked: Partial<Scheduling> = {}) {
    const request = { mode: 'add' as const, requestedAt: this.now, isNow: true, dueAt: this.now, ...asked };
    return this.do((seen) => scheduleDeletion(seen, this.#names(hashes), request));
  }

  /** Schedules and enters, as if nothing was cut off. */
  schedule(hashes: string[], { requestedAt = this.now, dueAt = this.now }: Times = {}): string {
    const answer = this.ask(hashes, { requestedAt, dueAt });
    if (!('jobId' in answer)) throw new Error(`nothing was scheduled: ${answer.is}`);
    if (answer.is === 'free') this.enter(answer.hash, answer.jobId, dueAt);
    return answer.jobId;
  }

  enter(hash: string, jobId: string, dueAt = this.now, replaces?: string) {
    return this.#once((seen) => enterDeletion(seen, 'P', { hash, jobId, dueAt, replaces }));
  }

  /** Only the answer: a job that the second call does not name again ends when it is due. */
  cancel(hashes: string[]) {
    return this.do((seen) => {
      const { answer, writes = [] } = cancelDeletions(seen, this.#names(hashes), 2000);
      return { answer: answer.is, writes };
    });
  }

  check(hashes: string[], jobId: string, timestamp = this.now, scheduler?: string) {
    return this.do((seen) => checkDeletion(seen, this.#names(hashes), { jobId, timestamp, scheduler }));
  }

  /** @param limit null: nothing is sent. */
  authorize(hashes: string[], jobId: string, timestamp = this.now, limit: number | null = 100) {
    const run = { jobId, timestamp };
    return this.do((seen) => authorizeDelete(seen, this.#names(hashes), run, this.lock, limit ?? undefined));
  }
}
