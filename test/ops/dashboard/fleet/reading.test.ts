import { expect, it } from 'vitest';
import {
  type ReadingSources,
  type State,
  createReader,
} from '../../../../src/ops/dashboard/fleet/reading.ts';

const FLEET = { at: 1 } as State['fleet'];

function open() {
  let now = 0;
  let isThere = true;
  let isBroken = false;
  const reads = { fleet: 0, calendar: 0 };
  const sources: ReadingSources = {
    fleet: async () => {
      reads.fleet += 1;
      if (isBroken) throw new Error('broken');
      return FLEET;
    },
    minutes: async () => [],
    calendar: async () => {
      reads.calendar += 1;
      return [];
    },
    isThere: () => isThere,
    now: () => now,
  };
  return {
    read: createReader(sources),
    reads,
    pass: (ms: number) => (now += ms),
    lose: () => (isThere = false),
    break: () => (isBroken = true),
    mend: () => (isBroken = false),
  };
}

it('a hundred who look at once cost as much as one, and the calendar less', async () => {
  const { read, reads, pass } = open();
  await Promise.all(Array.from({ length: 100 }, read));
  expect(reads).toEqual({ fleet: 1, calendar: 1 });
  pass(2000);
  await read();
  expect(reads).toEqual({ fleet: 2, calendar: 1 });
  pass(15_000);
  await read();
  expect(reads).toEqual({ fleet: 3, calendar: 2 });
});

it('what was read last is told while Redis is away, and that it is away', async () => {
  const world = open();
  world.lose();
  expect(await world.read()).toEqual({ is: 'away' });
  const other = open();
  await other.read();
  other.lose();
  expect(await other.read()).toEqual({ is: 'away', last: { fleet: FLEET, minutes: [], calendar: [] } });
});

it('a read that failed is made again by the next who looks', async () => {
  const { read, reads, ...world } = open();
  world.break();
  expect(await read()).toEqual({ is: 'away' });
  world.mend();
  expect((await read()).is).toBe('fresh');
  expect(reads.fleet).toBe(2);
});
