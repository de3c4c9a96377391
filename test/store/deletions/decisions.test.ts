import { describe, expect, it } from 'vitest';
import { A, B, DecisionsWorld } from './decisions-world.ts';

const FIRST = `del-${A}`;

describe('in every order of requests, cancellations and runs of a user with two names', () => {
  type Run = { jobId: string; timestamp: number };
  /** What has happened, and what may happen next. */
  interface World {
    world: DecisionsWorld;
    story: string[];
    /** Every job that was added, ours and those of other clients. */
    runs: Run[];
    /** Jobs that may never send any more, and those that may have sent. */
    dead: ReadonlySet<string>;
    /** The last one that was sent. */
    sent: string | undefined;
  }
  const names = { a: [A], b: [B], both: [A, B] };

  // In a loop of thousands vitest's own takes most of the time.
  function isTrue(claim: boolean, message: string): void {
    if (!claim) throw new Error(message);
  }

  /** A copy in which this has happened, a moment later. */
  function after({ world, ...rest }: World, deed: string): World {
    const copy = world.copy();
    copy.now += 1;
    return { ...rest, world: copy, story: [...rest.story, deed] };
  }

  function* nextOf(before: World): Generator<World> {
    for (const [by, hashes] of Object.entries(names)) {
      const scheduled = after(before, `schedule ${by}`);
      const jobId = scheduled.world.schedule(hashes);
      const isNew = scheduled.runs.every((run) => run.jobId !== jobId);
      // What was cancelled under the other name alone is wanted again.
      const dead = new Set([...scheduled.dead].filter((each) => each !== jobId));
      const runs = isNew ? [...scheduled.runs, { jobId, timestamp: scheduled.world.now }] : scheduled.runs;
      yield { ...scheduled, dead, runs };
      yield cancelled(after(before, `cancel ${by}`), hashes);
    }
    const added = after(before, 'another client adds');
    yield {
      ...added,
      runs: [...added.runs, { jobId: String(added.story.length), timestamp: added.world.now }],
    };
    for (const run of before.runs) {
      const checked = after(before, `check ${run.jobId}`);
      const { is } = checked.world.check(names.both, run.jobId, run.timestamp);
      if (checked.dead.has(run.jobId)) isTrue(is === 'cancelled', `it is ${is}`);
      yield checked;
      const authorized = after(before, `authorize ${run.jobId}`);
      const answer = authorized.world.authorize(names.both, run.jobId, run.timestamp);
      if (authorized.dead.has(run.jobId)) isTrue(answer === 'cancelled', `cancelled, but ${answer}`);
      if (authorized.sent === run.jobId) isTrue(answer === 'go', `sent, but ${answer}`);
      yield answer === 'go' ? { ...authorized, sent: run.jobId } : authorized;
    }
  }

  function cancelled(next: World, hashes: string[]): World {
    const { world, sent, runs } = next;
    const is = world.cancel(hashes);
    isTrue(is !== 'done', 'nothing was confirmed');
    // The runs know both names.
    isTrue((sent !== undefined) === (is === 'too-late'), `${sent} was sent, but ${is}`);
    const dead = runs.filter(({ jobId }) => jobId !== sent).map(({ jobId }) => jobId);
    return { ...next, dead: new Set([...next.dead, ...dead]) };
  }

  it('no DELETE is sent after its cancellation, and no cancellation hides one that was sent', () => {
    let worlds: World[] = [
      { world: new DecisionsWorld(), story: [], runs: [], dead: new Set(), sent: undefined },
    ];
    let count = 0;
    for (let depth = 0; depth < 4; depth++) {
      const next: World[] = [];
      for (const each of worlds) {
        try {
          next.push(...nextOf(each));
        } catch (error) {
          throw new Error(`after ${each.story.join(', ')}`, { cause: error });
        }
      }
      worlds = next;
      count += next.length;
    }
    expect(count).toBeGreaterThan(5000);
  });
});

describe('a cancellation', () => {
  const cancelled = (fields: Record<string, string>, isPending: boolean) => {
    const world = new DecisionsWorld();
    if (Object.keys(fields).length > 0) world.set(`P:deletion:${A}`, fields);
    if (isPending) world.enter(A, FIRST);
    return { is: world.cancel([A]), world };
  };
  const sent = { sentJob: FIRST };

  it.each([
    ['nothing is known', {}, false, 'none'],
    ['one is pending', {}, true, 'cancelled'],
    ['another client’s has begun', { begunJob: '7' }, false, 'cancelled'],
    ['one was cancelled before', { cancelledJob: '7' }, false, 'cancelled'],
    ['one was sent', sent, true, 'too-late'],
    ['one was sent, and is not pending any more', sent, false, 'too-late'],
    ['one that was sent has failed', { ...sent, sentEnd: 'failed' }, false, 'too-late'],
    ['one that was sent has failed, and is pending again', { ...sent, sentEnd: 'failed' }, true, 'too-late'],
    ['one was carried out', { ...sent, sentEnd: 'done' }, false, 'done'],
    [
      'one was carried out, and another has begun',
      { ...sent, sentEnd: 'done', begunJob: '7' },
      false,
      'cancelled',
    ],
    ['another was sent, and one has begun', { sentJob: '6', begunJob: '7' }, false, 'too-late'],
  ] as const)('where %s', (_title, fields, isPending, is) => {
    expect(cancelled(fields, isPending).is).toBe(is);
  });

  it('leaves a mark until all that it voids is over, under each name and where that one leads', () => {
    const world = new DecisionsWorld();
    world.set(`P:deletion:${A}`, { at: B, voidBefore: 5000 });
    world.enter(B, `del-${B}`);
    expect(world.cancel([A])).toBe('cancelled');
    expect(world.name(A)).toEqual({ voidBefore: '5000', cancelledJob: `del-${B}` });
    expect(world.name(B)).toEqual({ voidBefore: '1000', voidBelow: '1', cancelledJob: `del-${B}` });
    expect([...world.kept.values()]).toEqual([1999, 1999]);
    expect(world.pending()).toEqual([]);
  });
});

it('a cancellation holds for what was requested in its own millisecond, and not a moment later', () => {
  const world = new DecisionsWorld();
  world.cancel([A]);
  expect([1000, 1001].map((at) => world.check([A], `of ${at}`, at).is)).toEqual(['cancelled', 'open']);
});

describe('the point of no return', () => {
  it('is not reached by a run that has lost its user, though all else allows it', () => {
    const world = new DecisionsWorld();
    world.set(world.lock.key, { [world.lock.field]: 'another' });
    expect(world.authorize([A], '1')).toBe('lost');
    expect(world.name(A)).toEqual({});
  });

  it('is noted with the user where the DELETE may be sent, once, and nowhere else', () => {
    const since = (world: DecisionsWorld) =>
      world.do((seen) => ({ answer: seen.text('HGET', world.lock.key, 'deletingSince') }));
    const world = new DecisionsWorld();
    expect(world.authorize([A], '1', 1000, null)).toBe('go');
    expect([world.authorize([B], '2', 1000, 0), since(world)]).toEqual(['held', undefined]);
    world.cancel([A]);
    expect([world.authorize([A], '3'), since(world)]).toEqual(['cancelled', undefined]);
    const first = world.now;
    expect(world.authorize([B], '4', world.now + 1)).toBe('go');
    world.now += 1000;
    expect(world.authorize([B], '4', first + 1)).toBe('go');
    expect(since(world)).toBe(`${first} ${world.lock.value}`);
  });

  it('counts what was sent, once each, and neither what was released nor a run that sends nothing', () => {
    const world = new DecisionsWorld();
    world.set('P:deletion-decision:2', { '': 'release' });
    world.set('P:deletion-decision:4', { '': 'refuse' });
    const go = (jobId: string, hash: string, limit = 1) => world.authorize([hash], jobId, 1000, limit);
    expect([go('1', A), go('2', A), go('1', B), go('4', B), go('4', B, 2)]).toEqual([
      'go',
      'go',
      'held',
      'held',
      'go',
    ]);
    expect(world.do((seen) => ({ answer: seen.score('P:deletions-sent', '2') }))).toBeUndefined();
    expect(world.name(B)).toEqual({ sentJob: '4' });
  });

  it('forgets under each name how an earlier one ended, and is known under names that are found later', () => {
    const world = new DecisionsWorld();
    world.set(`P:deletion:${A}`, { sentJob: '0', sentEnd: 'done', begunJob: '1', cancelledJob: '0', at: B });
    expect(world.authorize([A], '1')).toBe('go');
    expect(world.name(A)).toEqual({ sentJob: '1' });
    expect(world.authorize([A, B], '1')).toBe('go');
    expect(world.name(B)).toEqual({ sentJob: '1' });
    expect(world.kept.get(`P:deletion:${B}`)).toBe(40 * 86_400);
  });
});

describe('a request', () => {
  it('after one that is over, void or ended by the queue alone gets the next number', () => {
    for (const [fields, over] of [
      [{ isOver: '1' }],
      [{ voidBelow: '1' }],
      [{ begunJob: '7' }, FIRST],
    ] as const) {
      const world = new DecisionsWorld();
      if (over !== undefined) world.enter(A, over);
      world.set(`P:deletion:${A}`, { ...fields, requestedAt: 900 });
      const answer = { is: 'free', hash: A, number: 1, jobId: `${FIRST}-1`, dueAt: 1000, requestedAt: 0 };
      // Asked again it finds that number free still.
      expect(world.ask([A], { over })).toEqual(answer);
      expect(world.name(A)).toMatchObject({ number: '1' });
      expect(world.pending()).toEqual([]);
    }
  });

  it('of a name of which nothing is known writes nothing', () => {
    const world = new DecisionsWorld();
    expect(world.ask([A])).toMatchObject({ is: 'free', jobId: FIRST, number: 0 });
    expect(world.writes).toBe(0);
    world.set(`P:deletion:${A}`, { at: B });
    world.ask([A]);
    expect(world.name(A)).toEqual({});
  });

  it('leads the other names to the one under which it lies, and keeps them until it was due for long', () => {
    const world = new DecisionsWorld();
    world.schedule([A, B], { dueAt: 3001 });
    expect([world.name(A), world.name(B)]).toEqual([{}, { at: A }]);
    expect(world.kept).toEqual(new Map([[`P:deletion:${B}`, 40 * 86_400 + 3]]));
    // One that has a deletion of its own leads nowhere.
    world.enter(B, `del-${B}`);
    world.set(`P:deletion:${B}`, { at: '' });
    world.schedule([A, B]);
    expect(world.name(B)).toEqual({ at: '' });
  });

  it('moves one that is pending, and says what became of the last one where none is', () => {
    const world = new DecisionsWorld();
    const move = () => world.ask([A], { mode: 'move', dueAt: 5000, requestedAt: 4000 });
    expect(move()).toEqual({ is: 'none' });
    world.schedule([A]);
    expect(move()).toMatchObject({ is: 'moved', dueAt: 5000, requestedAt: 0 });
    expect(world.ask([A], { mode: 'add-or-move', dueAt: 6000, requestedAt: 4000 })).toMatchObject({
      is: 'moved',
      dueAt: 6000,
      requestedAt: 4000,
    });
    world.authorize([A], FIRST);
    expect(move()).toEqual({ is: 'too-late' });
    expect(world.ask([A])).toMatchObject({ is: 'exists', dueAt: 6000 });
    world.do(() => ({ answer: '', writes: [['ZREM', 'P:deletions-pending', FIRST]] }));
    expect(move()).toEqual({ is: 'too-late' });
    world.set(`P:deletion:${A}`, { sentEnd: 'done' });
    expect(move()).toEqual({ is: 'done' });
    world.set(`P:deletion:${A}`, { cancelledJob: '7' });
    expect(move()).toEqual({ is: 'none' });
  });
});

it('a request that is led on moves what lies there', () => {
  const world = new DecisionsWorld();
  const jobId = world.schedule([B, A]);
  expect(world.name(A)).toEqual({ at: B });
  expect(world.ask([A], { mode: 'move', dueAt: 5000 })).toMatchObject({ is: 'moved', hash: B, jobId });
  expect([world.dueAt(jobId), world.dueAt(FIRST)]).toEqual(['5000', undefined]);
});

describe('an entry', () => {
  it('is made once, and takes the place only of what is pending and unsent', () => {
    const world = new DecisionsWorld();
    expect([world.enter(A, FIRST), world.enter(A, FIRST)]).toEqual(['entered', 'taken']);
    const replace = () => world.enter(A, `${FIRST}-1`, 3000, FIRST);
    world.set(`P:deletion:${A}`, { sentJob: FIRST });
    expect(replace()).toBe('too-late');
    world.set(`P:deletion:${A}`, { sentEnd: 'failed' });
    expect([replace(), replace()]).toEqual(['entered', 'taken']);
    expect(world.name(A)).toMatchObject({ number: '1', voidBelow: '1' });
    expect(world.kept.get(`P:deletion:${A}`)).toBe(40 * 86_400 + 2);
    expect(world.pending()).toEqual([`${FIRST}-1`]);
    world.cancel([A]);
    expect(replace()).toBe('gone');
    expect(world.check([A], FIRST).is).toBe('cancelled');
  });
});
