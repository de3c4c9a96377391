/**
 * Processes that share a rate on a real Redis, in a time that only the test moves: it goes from one timer to the next, once
 * Redis has answered everything.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import type { Admission, Arrival } from '../../../src/damoov/traffic.ts';
import { Pacer, type PacerOptions } from '../../../src/store/rate/pacer.ts';

export type PacerWorld = ReturnType<typeof createPacerWorld>;

/** What an answer of Damoov is to the pacer. */
export const OK = { status: 200 };
export const TOO_MANY = { status: 429, kind: 'rate-limited' as const };

export function createPacerWorld() {
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  let prefix = '';
  let nowMs = 0;
  let pending = 0;
  let calls = 0;
  let timers: { at: number; run: () => void }[] = [];

  const counted = async <T>(call: Promise<T>): Promise<T> => {
    calls += 1;
    pending += 1;
    try {
      return await call;
    } finally {
      pending -= 1;
    }
  };
  /** @param around each call of the script. */
  const connectionWith = (around: (call: () => Promise<unknown>) => Promise<unknown>) => {
    const connection = {
      defineCommand(name: string, definition: Parameters<Redis['defineCommand']>[1]) {
        redis.defineCommand(name, definition);
        const command = Reflect.get(redis, name) as (args: unknown[]) => Promise<unknown>;
        const call = async (args: unknown[]) => counted(around(async () => command.call(redis, args)));
        Reflect.set(connection, name, call);
      },
    };
    return connection;
  };
  const connection = connectionWith((call) => call());

  const later = (ms: number, run: () => void) => {
    const timer = { at: nowMs + ms, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  /** Until nothing moves any more unless time does. */
  const settle = async (): Promise<void> => {
    await turn();
    if (pending > 0) await settle();
  };

  return {
    now: () => nowMs,
    calls: () => calls,
    later,
    settle,
    connectionWith,
    isStored: async () => (await redis.exists(`${prefix}:rate`)) === 1,
    /** Forgets everything: a new fleet at a new time. */
    async begin() {
      if (prefix !== '') await redis.del(`${prefix}:rate`);
      prefix = `{test-${randomUUID()}}`;
      nowMs = 1_800_000_000_000;
      timers = [];
      calls = 0;
      onTestFinished(async () => void (await redis.del(`${prefix}:rate`)));
    },
    process: (options: Partial<PacerOptions> = {}): Pacer =>
      new Pacer({ connection, prefix, now: () => nowMs, later, ...options }),
    /** Lets time pass, and everything happen that falls into it. */
    async pass(ms: number) {
      const end = nowMs + ms;
      await settle();
      for (;;) {
        const next = timers.reduce((least, { at }) => Math.min(least, at), Infinity);
        if (next > end) break;
        nowMs = Math.max(nowMs, next);
        const due = timers.filter(({ at }) => at <= nowMs);
        timers = timers.filter(({ at }) => at > nowMs);
        for (const { run } of due) run();
        await settle();
      }
      nowMs = end;
    },
    /** How a request fares that asks now. */
    ask(pacer: Pacer, { signal = new AbortController().signal, onAdmitted = () => {} }: Asking = {}) {
      const request: { admittedAt?: number; refused?: Extract<Admission, { admitted: false }> } = {};
      const wait = async () => {
        const admission = await pacer.admit({ operation: 'create', signal });
        if (!admission.admitted) {
          request.refused = admission;
          return;
        }
        request.admittedAt = nowMs;
        onAdmitted();
      };
      void wait();
      return request;
    },
    /** Time passes without any work, as on a busy machine. */
    async stall(ms: number) {
      await settle();
      nowMs += ms;
    },
    answer: (pacer: Pacer, end: Partial<Arrival>) =>
      pacer.answered({ operation: 'create', durationMs: 0, wasSent: true, ...end }),
  };
}

interface Asking {
  signal?: AbortSignal;
  onAdmitted?: () => void;
}

/** A limit as the sandbox has it: a window opens with its first request. */
export function windowOf(max: number, windowMs: number) {
  let endsAt = 0;
  let count = 0;
  return (nowMs: number): boolean => {
    if (nowMs >= endsAt) {
      endsAt = nowMs + windowMs;
      count = 0;
    }
    count += 1;
    return count <= max;
  };
}

/** A 429 to a request that was sent just now. */
export async function refuse(world: PacerWorld, pacer: Pacer, retryAfterMs?: number): Promise<void> {
  let request = world.ask(pacer);
  while (request.admittedAt === undefined) {
    await world.pass(1000);
    if (request.refused !== undefined) request = world.ask(pacer);
  }
  world.answer(pacer, { ...TOO_MANY, retryAfterMs });
  await world.settle();
}

/** Requests one after the other, each answered at once, until the time is over. */
export async function keepBusy(world: PacerWorld, pacer: Pacer, ms: number): Promise<number> {
  let admitted = 0;
  const end = world.now() + ms;
  const loop = async () => {
    while (world.now() < end) {
      const admission = await pacer.admit({ operation: 'create', signal: new AbortController().signal });
      if (!admission.admitted) continue;
      admitted += 1;
      world.answer(pacer, OK);
    }
  };
  for (let n = 0; n < 20; n += 1) void loop();
  await world.pass(ms);
  return admitted;
}
