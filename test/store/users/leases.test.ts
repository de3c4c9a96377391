import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type LeasesOptions, createLeases } from '../../../src/store/users/leases.ts';

const LEASE_MS = 1000;
/** Until the next extension. */
const STEP_MS = LEASE_MS / 4;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** Leases by a clock that the test sets; each call of `extend` is noted. */
function createWorld(answer: LeasesOptions['extend'] = async (asked) => asked.map(() => true)) {
  let nowMs = 5000;
  const calls: string[][] = [];
  const leases = createLeases({
    leaseMs: LEASE_MS,
    extend: (asked) => {
      calls.push(asked.map(({ recordId, run }) => `${recordId}/${run}`));
      return answer(asked);
    },
    now: () => nowMs,
  });
  return {
    leases,
    calls,
    now: () => nowMs,
    jump: (ms: number) => void (nowMs += ms),
    /** Time goes by, and what falls due in it is done. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= STEP_MS) {
        nowMs += Math.min(left, STEP_MS);
        await vi.advanceTimersByTimeAsync(Math.min(left, STEP_MS));
      }
    },
  };
}

describe('a lease', () => {
  it('holds for as long as it was given, from when it was asked for', () => {
    const { leases, now, jump } = createWorld();
    const lease = leases.add('a', 'r', now() - 100);
    expect([lease.holdsFor(900), lease.holdsFor(901)]).toEqual([true, false]);
    jump(600);
    expect([lease.holdsFor(300), lease.holdsFor(301)]).toEqual([true, false]);
    // The process was frozen.
    jump(301);
    expect(lease.holdsFor(0)).toBe(false);
  });

  it('is extended for as long as its run takes', async () => {
    const { leases, calls, now, pass } = createWorld();
    const lease = leases.add('a', 'r', now());
    await pass(10 * LEASE_MS);
    expect(lease.holdsFor(LEASE_MS)).toBe(true);
    expect(calls).toHaveLength(40);
    expect(new Set(calls.flat())).toEqual(new Set(['a/r']));
  });

  it('is extended from when that was asked for, whenever the answer comes', async () => {
    const answers: (() => void)[] = [];
    const { leases, now, jump, pass } = createWorld(async (asked) => {
      await new Promise<void>((resolve) => void answers.push(resolve));
      return asked.map(() => true);
    });
    const lease = leases.add('a', 'r', now());
    await pass(STEP_MS);
    jump(700);
    expect(lease.holdsFor(51)).toBe(false);
    answers[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect([lease.holdsFor(300), lease.holdsFor(301)]).toEqual([true, false]);
  });

  it('that is another run’s by now holds no more, and the others go on', async () => {
    const { leases, calls, now, pass } = createWorld(async (asked) =>
      asked.map(({ recordId }) => recordId !== 'b'),
    );
    const [a, b, c] = ['a', 'b', 'c'].map((recordId) => leases.add(recordId, 'r', now()));
    await pass(STEP_MS);
    expect([a, b, c].map((lease) => lease?.holdsFor(0))).toEqual([true, false, true]);
    await pass(STEP_MS);
    expect(calls.at(-1)).toEqual(['a/r', 'c/r']);
  });

  it('of which Redis has said nothing is no one’s', async () => {
    const { leases, now, pass } = createWorld(async () => [true]);
    const [a, b] = ['a', 'b'].map((recordId) => leases.add(recordId, 'r', now()));
    await pass(STEP_MS);
    expect([a, b].map((lease) => lease?.holdsFor(0))).toEqual([true, false]);
  });

  it('keeps what it had while Redis does not answer, and is extended again once it does', async () => {
    let isAway = true;
    const { leases, now, pass } = createWorld(async (asked) => {
      if (isAway) throw new Error('Connection is closed.');
      return asked.map(() => true);
    });
    const lease = leases.add('a', 'r', now());
    await pass(2 * STEP_MS);
    expect([lease.holdsFor(LEASE_MS / 2), lease.holdsFor(LEASE_MS / 2 + 1)]).toEqual([true, false]);
    await pass(3 * STEP_MS);
    expect(lease.holdsFor(0)).toBe(false);
    isAway = false;
    await pass(STEP_MS);
    expect(lease.holdsFor(LEASE_MS)).toBe(true);
  });
});

describe('leases', () => {
  it('are extended together, and one that has ended no more', async () => {
    const { leases, calls, now, pass } = createWorld();
    const first = leases.add('a', 'r1', now());
    leases.add('b', 'r2', now());
    await pass(STEP_MS);
    first.end();
    await pass(STEP_MS);
    expect(calls).toEqual([['a/r1', 'b/r2'], ['b/r2']]);
  });

  it('of none have no timer, and the next one starts it again', async () => {
    const { leases, calls, now, pass } = createWorld();
    expect(vi.getTimerCount()).toBe(0);
    leases.add('a', 'r1', now()).end();
    expect(vi.getTimerCount()).toBe(1);
    await pass(STEP_MS);
    expect([vi.getTimerCount(), calls]).toEqual([0, []]);
    leases.add('b', 'r2', now());
    await pass(2 * STEP_MS);
    expect(calls).toEqual([['b/r2'], ['b/r2']]);
  });
});
