/**
 * How long a fresh sign-up takes from its being added until its event arrives, beside many pending deletions and beside none.
 * Knows producers, workers and subscribers of two queues; not what lies in them.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { signUpFor } from './damoov.ts';
import { PREFIX } from './environment.ts';
import { median, timesOf } from './figures.ts';
import type { PartOptions } from './part.ts';
import { inTurns, ratiosOf, roundsFor } from './rounds.ts';

const SIGN_UPS = 100;
const QUICK_SIGN_UPS = 50;
/** Until the workers' code is compiled. */
const WARM_UP = 300;
const PATIENCE_MS = 60_000;

/** One queue with a worker at it. */
export interface Side {
  /** Has a user made; resolves when the event is there. */
  signUp(): Promise<void>;
  close(): Promise<void>;
}

export interface SignUps {
  /** Medians in milliseconds. */
  readonly besideNoneMs: number;
  readonly besideManyMs: number;
  /** Of the medians. */
  readonly ratio: number;
  /** The ratios of the medians of the rounds, which show how precise the machine is. */
  readonly ratioOfRounds: readonly number[];
}

/** Sign-ups one at a time, the sides in turn, the first one of a round changing too. */
export async function compareSignUps(
  urls: { none: string; many: string },
  options: Pick<PartOptions, 'isQuick' | 'rounds' | 'signal'>,
): Promise<SignUps> {
  const none = await openSide(urls.none);
  const many = await openSide(urls.many);
  try {
    const sides = [none, many];
    for (const side of sides) await timesOf(WARM_UP, () => side.signUp());
    const signUps = options.isQuick ? QUICK_SIGN_UPS : SIGN_UPS;
    const rounds = await inTurns(roundsFor(options), sides, async (side) => {
      options.signal?.throwIfAborted();
      return timesOf(signUps, () => side.signUp());
    });
    const [besideNoneMs = Number.NaN, besideManyMs = Number.NaN] = [0, 1].map((place) =>
      median(rounds.flatMap((round) => round[place] ?? [])),
    );
    return {
      besideNoneMs,
      besideManyMs,
      ratio: besideManyMs / besideNoneMs,
      ratioOfRounds: ratiosOf(rounds, { of: 1, to: 0 }, median),
    };
  } finally {
    await Promise.all([none.close(), many.close()]);
  }
}

/** A worker that has ended must not keep the benchmark waiting for ever. */
async function late(): Promise<never> {
  await sleep(PATIENCE_MS, undefined, { ref: false });
  throw new Error(`a sign-up has no event after ${PATIENCE_MS} ms`);
}

/** Producer and subscriber of a Redis at which a worker is. */
export async function openSide(redisUrl: string): Promise<Side> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const jobs = new Queue('user-jobs', { connection, prefix: PREFIX });
  let arrived: ((type: string) => void) | undefined;
  const subscriber = new Worker('user-events', async ({ name }) => arrived?.(name), {
    connection,
    prefix: PREFIX,
  });
  await subscriber.waitUntilReady();
  return {
    async signUp() {
      const { promise, resolve } = Promise.withResolvers<string>();
      arrived = resolve;
      await jobs.add('create-user', signUpFor(randomUUID()));
      const type = await Promise.race([promise, late()]);
      if (type !== 'user.created') throw new Error(`a sign-up ended as ${type}`);
    },
    async close() {
      await subscriber.close();
      connection.disconnect();
    },
  };
}
