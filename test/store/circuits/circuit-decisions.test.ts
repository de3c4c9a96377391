import { describe, expect, it } from 'vitest';
import { type Decision, Seen } from '../../../src/redis/change.ts';
import { nextToPromote, passage, probeEnd, refusal } from '../../../src/store/circuits/circuit-decisions.ts';
import { type CircuitAt, circuitsAt } from '../../../src/store/circuits/circuit-state.ts';
import { afterPromotion } from '../../../src/store/circuits/release-held.ts';

const NOW = 1_800_000_000_000;
const timing = { now: NOW, probeJobMs: 1000, nudgeMs: 100, random: 0.5 };
const at = circuitsAt('p', new Map([['admin', 'f']]));
const [admin, damoov] = [at('admin'), at('damoov')];

interface Stored {
  circuit?: Record<string, string | number>;
  /** The jobs that it holds, the oldest first. */
  held?: string[];
  promoting?: string[];
  texts?: Record<string, string>;
}

/** Redis with these circuits. */
function redisWith(...circuits: [CircuitAt, Stored][]): (command: string[]) => unknown {
  const stored = new Map(circuits.map(([{ key }, { circuit = {} }]) => [key, circuit]));
  const held = new Map(
    circuits.flatMap(([{ heldKey, promotingKey }, { held: jobs = [], promoting = [] }]) => [
      [heldKey, jobs],
      [promotingKey, promoting],
    ]),
  );
  const texts = Object.assign({}, ...circuits.map(([, one]) => one.texts)) as Record<string, string>;
  return ([name, key = '', ...rest]) => {
    if (name === 'HMGET') return rest.map((field) => stored.get(key)?.[field]?.toString() ?? false);
    if (name === 'HGET') return stored.get(key)?.[rest[0] ?? '']?.toString() ?? false;
    if (name === 'ZCARD') return held.get(key)?.length ?? 0;
    if (name === 'GET') return texts[key] ?? false;
    const jobs = held.get(key) ?? [];
    const end = Number(rest[1]) + 1;
    const some = name === 'ZRANGE' ? jobs.slice(Number(rest[0]), end === 0 ? undefined : end) : jobs;
    return rest.includes('WITHSCORES') ? some.flatMap((job) => [job, '1']) : some;
  };
}

/** As changes are decided: with more replies each time, until none is missing. */
function decide<Answer>(redis: (command: string[]) => unknown, decision: (seen: Seen) => Decision<Answer>) {
  const replies = new Map<string, unknown>();
  for (;;) {
    const seen = new Seen(NOW, replies);
    const decided = decision(seen);
    if (seen.missing === undefined) return { writes: [], ...decided };
    for (const command of seen.missing) replies.set(JSON.stringify(command), redis(command.map(String)));
  }
}

const OPEN = { since: NOW - 5000, by: 'a-run', step: 1000, probe: NOW - 1 };
const job = { jobId: 'mine', score: 7 };

describe('a job', () => {
  const pass = (stored: Stored, circuits = { must: [admin], may: [] as CircuitAt[] }) =>
    decide(redisWith([admin, stored]), (seen) => passage(seen, circuits, job, timing));

  it('passes circuits that are closed', () => {
    expect(pass({})).toEqual({ answer: { open: [], probes: [], others: [] }, writes: [] });
  });

  it('probes a circuit when that is due, and no other job does', () => {
    const probing = { answer: { open: [], probes: ['admin'], others: [] } };
    expect(pass({ circuit: OPEN })).toMatchObject(probing);
    expect(pass({ circuit: { ...OPEN, probe: NOW } })).toMatchObject(probing);
    expect(pass({ circuit: { ...OPEN, probeJob: 'mine', until: NOW + 1 } })).toMatchObject(probing);
    expect(pass({ circuit: { ...OPEN, probeJob: 'other', until: NOW } })).toMatchObject(probing);
    const held = { answer: { heldBy: 'admin', probes: [] } };
    expect(pass({ circuit: { ...OPEN, probe: NOW + 1 } })).toMatchObject(held);
    expect(pass({ circuit: { ...OPEN, probeJob: 'other', until: NOW + 1 } })).toMatchObject(held);
  });

  it('does not probe a circuit twice in a row if another job is held', () => {
    const circuit = { ...OPEN, last: 'mine' };
    expect(pass({ circuit, held: ['mine', 'other'] }).answer).toMatchObject({ heldBy: 'admin' });
    expect(pass({ circuit, held: ['mine'] }).answer).toMatchObject({ probes: ['admin'] });
  });

  it('that may do without a circuit probes it only if it was promoted for that', () => {
    const circuits = { must: [], may: [admin] };
    expect(pass({ circuit: OPEN }, circuits)).toMatchObject({
      answer: { open: ['admin'], probes: [] },
      writes: [],
    });
    expect(pass({ circuit: { ...OPEN, probeJob: 'mine' } }, circuits).answer).toMatchObject({
      probes: ['admin'],
    });
  });

  it('that one circuit holds leaves the probe of another one to another job', () => {
    const redis = redisWith(
      [admin, { circuit: OPEN, held: ['mine', 'other'] }],
      [damoov, { circuit: { ...OPEN, probe: NOW + 1 } }],
    );
    expect(decide(redis, (seen) => passage(seen, { must: [admin, damoov], may: [] }, job, timing))).toEqual({
      answer: { heldBy: 'damoov', open: [], probes: [], others: ['other'] },
      writes: [
        ['ZREM', admin.heldKey, 'mine'],
        ['ZREM', damoov.heldKey, 'mine'],
        ['HSET', admin.key, 'probeJob', 'other', 'until', NOW + 100],
        ['SET', damoov.refusedKey, '', 'EX', 10],
        ['ZADD', damoov.heldKey, 7, 'mine'],
        ['EXPIRE', damoov.heldKey, 90 * 24 * 3600],
      ],
    });
  });

  it('is held by the first of two circuits', () => {
    const circuit = { ...OPEN, probe: NOW + 1 };
    const redis = redisWith([admin, { circuit }], [damoov, { circuit }]);
    const { answer } = decide(redis, (seen) =>
      passage(seen, { must: [admin, damoov], may: [] }, job, timing),
    );
    expect(answer).toMatchObject({ heldBy: 'admin' });
  });
});

describe('the next probe of a circuit', () => {
  const next = (circuit: Stored['circuit'], held: string[], random = 0.5) =>
    decide(redisWith([admin, { circuit: { ...OPEN, ...circuit }, held }]), (seen) =>
      nextToPromote(seen, admin, { most: 2, process: 'p-1', promoted: ['gone'] }, { ...timing, random }),
    );

  it('is its oldest job', () => {
    expect(next({}, ['a', 'b'], 0.9)).toEqual({
      answer: { is: 'probe', jobId: 'a' },
      writes: [['HSET', admin.key, 'probeJob', 'a', 'until', NOW + 100]],
    });
  });

  it('is any other one after the oldest was refused, and that one again only if it is alone', () => {
    const jobId = (held: string[], random: number) =>
      (next({ last: 'a' }, held, random).answer as { jobId: string }).jobId;
    expect(jobId(['a', 'b', 'c', 'd'], 0.6)).toBe('c');
    expect(jobId(['a', 'b', 'c', 'd'], 0.1)).toBe('b');
    expect(jobId(['a'], 0.6)).toBe('a');
  });

  it('is none where nothing is held, before it is due, and while one probes', () => {
    expect(next({}, [])).toMatchObject({
      answer: { is: 'idle' },
      writes: [['HDEL', admin.key, 'probeJob', 'until']],
    });
    expect(next({ probe: NOW + 1 }, ['a']).answer).toEqual({ is: 'idle' });
    expect(next({ probe: NOW }, ['a']).answer).toMatchObject({ is: 'probe' });
    expect(next({ probeJob: 'b', until: NOW + 1 }, ['a']).answer).toEqual({ is: 'idle' });
    expect(next({ probeJob: 'b', until: NOW }, ['a']).answer).toMatchObject({ is: 'probe' });
    // Promoted in vain.
    expect(next({ probeJob: 'gone', until: NOW + 1 }, ['a']).answer).toMatchObject({ is: 'probe' });
  });
});

describe('a closed circuit', () => {
  const next = (stored: Stored, most = 2) =>
    decide(redisWith([admin, stored]), (seen) =>
      nextToPromote(seen, admin, { most, process: 'p-1', promoted: [] }, timing),
    );

  it('has its oldest jobs promoted, all of one moment together, by one process', () => {
    const held = ['a', 'b', 'c'];
    const jobs = ['a', '1', 'b', '1', 'c', '1'];
    expect(next({ held })).toEqual({
      answer: { is: 'closed', jobs, mayGoOn: true },
      writes: [
        ['SET', admin.promoterKey, 'p-1', 'PX', 5000],
        ['ZREM', admin.heldKey, 'a', 'b', 'c'],
        ['ZADD', admin.promotingKey, 'NX', 1, 'a', 1, 'b', 1, 'c'],
        ['EXPIRE', admin.promotingKey, 90 * 24 * 3600],
      ],
    });
    expect(next({ held, texts: { [admin.promoterKey]: 'p-1' } }).answer).toMatchObject({ is: 'closed' });
    expect(next({ held, texts: { [admin.promoterKey]: 'p-2' } })).toEqual({
      answer: { is: 'idle' },
      writes: [],
    });
  });

  it('has those promoted first that a process has left behind', () => {
    expect(next({ held: ['b'], promoting: ['a'] })).toEqual({
      answer: { is: 'closed', jobs: ['a', '1'], mayGoOn: false },
      writes: [['SET', admin.promoterKey, 'p-1', 'PX', 5000]],
    });
  });

  it('goes on only after a full step, and while no other credential is refused', () => {
    const mayGoOn = (stored: Stored, most?: number) =>
      (next(stored, most).answer as { mayGoOn: boolean }).mayGoOn;
    expect(mayGoOn({ held: ['a'] })).toBe(false);
    expect(mayGoOn({ held: ['a', 'b'] })).toBe(true);
    expect(mayGoOn({ held: ['a', 'b'], texts: { [admin.refusedKey]: 'f' } })).toBe(true);
    expect(mayGoOn({ held: ['a', 'b'], texts: { [admin.refusedKey]: 'another' } })).toBe(false);
  });

  it('that holds nothing needs no process', () => {
    expect(next({})).toEqual({ answer: { is: 'idle' }, writes: [] });
    expect(next({ texts: { [admin.promoterKey]: 'p-1' } }).writes).toEqual([['DEL', admin.promoterKey]]);
  });

  it('forgets the promoted jobs but those that were not delayed yet, and the process once it is done', () => {
    const [a, b] = ['a', 'b'].map((jobId) => ({ jobId, score: 1 }));
    const after = (process: string, goesOn: boolean, early = [b]) =>
      decide(redisWith([admin, { texts: { [admin.promoterKey]: 'p-1' } }]), (seen) =>
        afterPromotion(seen, admin, {
          jobs: [a, b].filter((job) => job !== undefined),
          early: early.filter((job) => job !== undefined),
          process,
          goesOn,
        }),
      ).writes;
    const ended = ['ZREM', admin.promotingKey, 'a', 'b'];
    const kept = [
      ['ZADD', admin.heldKey, 'NX', 1, 'b'],
      ['EXPIRE', admin.heldKey, 90 * 24 * 3600],
    ];
    expect(after('p-1', true, [])).toEqual([ended]);
    expect(after('p-1', false)).toEqual([ended, ...kept, ['DEL', admin.promoterKey]]);
    expect(after('p-2', false)).toEqual([ended, ...kept]);
  });
});

describe('a refused job', () => {
  const refused = {
    ...job,
    run: 'r',
    reason: 'why',
    isUntried: false,
    firstMs: 1000,
    lastMs: 3000,
    afterMs: 0,
  };
  const refuse = (stored: Stored, more: Partial<typeof refused> = {}) =>
    decide(redisWith([admin, stored]), (seen) =>
      refusal(seen, admin, { ...refused, process: 'p-1', ...more }, timing),
    );
  const changes = (stored: Stored, more?: Partial<typeof refused>) => {
    const { writes } = refuse(stored, more);
    const [, , ...fields] = writes.find(([name]) => name === 'HSET') ?? [];
    const pairs = Array.from({ length: fields.length / 2 }, (_, n) => [fields[2 * n], fields[2 * n + 1]]);
    return { ...Object.fromEntries(pairs), lifeMs: writes.find(([name]) => name === 'PEXPIRE')?.[2] };
  };

  it('opens a closed circuit, unless another process has just got through', () => {
    expect(refuse({}).answer).toEqual({ is: 'held', hasOpened: true });
    expect(refuse({ texts: { [admin.passedKey]: 'p-1' } }).answer).toEqual({ is: 'held', hasOpened: true });
    const closed = { answer: { is: 'closed', hasOpened: false }, writes: [] };
    expect(refuse({ texts: { [admin.passedKey]: 'p-2' } })).toEqual(closed);
    expect(changes({}, { isUntried: true })).toEqual({
      since: NOW,
      by: 'r',
      step: 1000,
      probe: NOW + 1000,
      reason: 'why',
      lifeMs: 1000 + 6000 + 1000,
    });
    expect(changes({}, { afterMs: 1500 })).toMatchObject({ probe: NOW + 1500 });
  });

  it('that opened it is asked again without a second change', () => {
    expect(refuse({ circuit: { ...OPEN, by: 'r' } })).toEqual({
      answer: { is: 'held', hasOpened: true },
      writes: [],
    });
  });

  it('of another run delays no probe, but for its own reason', () => {
    const circuit = { ...OPEN, probe: NOW + 500 };
    expect(changes({ circuit })).toEqual({ step: 1000, probe: NOW + 500, reason: 'why', lifeMs: 7500 });
    expect(changes({ circuit }, { isUntried: true })).not.toHaveProperty('reason');
    expect(changes({ circuit }, { afterMs: 800 })).toMatchObject({ probe: NOW + 1000 });
    expect(refuse({ circuit, texts: { [admin.passedKey]: 'p-2' } }).answer).toEqual({
      is: 'held',
      hasOpened: false,
    });
    expect(changes({ circuit: OPEN })).toMatchObject({ probe: NOW - 1, lifeMs: 7000 });
  });

  it('of another run that is refused in the same second changes nothing that other runs decide by', () => {
    for (const [circuit, afterMs] of [
      [{ ...OPEN, probe: NOW + 1000 }, 800],
      [{ ...OPEN, probe: NOW + 1000 }, 0],
      [OPEN, 0],
    ] as const) {
      const { step, probe, since, by, last } = changes({ circuit }, { afterMs });
      expect({ step, probe, since, by, last }).toEqual({ step: circuit.step, probe: circuit.probe });
    }
  });

  it('that was the probe doubles the step, up to the longest', () => {
    const probe = { ...OPEN, probeJob: 'mine', until: NOW };
    expect(changes({ circuit: probe })).toEqual({
      step: 2000,
      probe: NOW + 2000,
      last: 'mine',
      reason: 'why',
      lifeMs: 2000 + 6000 + 1000,
    });
    expect(changes({ circuit: { ...probe, step: 2000 } })).toMatchObject({ step: 3000 });
    expect(refuse({ circuit: probe }).writes).toContainEqual(['HDEL', admin.key, 'probeJob', 'until']);
  });
});

describe('the end of a probe', () => {
  const end = (hasPassed: boolean, circuit?: Stored['circuit']) =>
    decide(redisWith([admin, circuit === undefined ? {} : { circuit }]), (seen) =>
      probeEnd(seen, admin, { jobId: 'mine', hasPassed }, NOW),
    );

  it('closes the circuit once, if it passed', () => {
    expect(end(true, OPEN)).toEqual({ answer: 5000, writes: [['DEL', admin.key]] });
    expect(end(true)).toEqual({ answer: undefined, writes: [] });
  });

  it('without a result lets another job probe', () => {
    const release = [['HDEL', admin.key, 'probeJob', 'until']];
    expect(end(false, { ...OPEN, probeJob: 'mine' })).toEqual({ answer: undefined, writes: release });
    expect(end(false, { ...OPEN, probeJob: 'other' })).toEqual({ answer: undefined, writes: [] });
  });
});
