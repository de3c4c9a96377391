import { describe, expect, it } from 'vitest';
import { type Outcome, type Held, failed } from '../../src/contract/outcome.ts';
import { DamoovError, type DamoovErrorDetails, type DamoovOperation } from '../../src/damoov/errors.ts';
import { classify as classifyWith } from '../../src/lifecycle/classify.ts';
import { outageOf } from '../../src/redis/refusal.ts';
import type { CircuitName, Passage } from '../../src/lifecycle/ports/circuits.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/lifecycle/retry-policy.ts';
import { FailureDetector } from '../../src/lifecycle/failure-detector.ts';

const classify = (error: unknown) => classifyWith(error, outageOf);

type Fault = Pick<DamoovErrorDetails, 'kind'> & Partial<DamoovErrorDetails>;

const RESET: Fault = { kind: 'network' };
const WORDED: Fault = { kind: 'server', status: 500 };
const GATEWAY: Fault = { kind: 'server', status: 503 };

/** A process, and the runs of its jobs at times that the test says. */
function createProcess() {
  /** Goes on by itself each time it is looked at, or only as the test sets it where `step` is 0. */
  const clock = { now: 0, step: 1 };
  const opened: CircuitName[] = [];
  const failureDetector = new FailureDetector({
    retry: DEFAULT_RETRY_POLICY,
    now: () => (clock.now += clock.step),
    onPassed: (circuit) => void opened.push(circuit),
  });
  const start = (jobId: string, probes: CircuitName[] = []) => {
    const passage: Passage = { open: [], probes };
    const run = failureDetector.follow(jobId, 'default', passage);
    return {
      /** A run that ends well. */
      passes: (circuit: Held['circuit'] = 'damoov', operation: DamoovOperation = 'update') => {
        run.passed(circuit, operation);
        run.attribute({ status: 'superseded', by: 'the test' }, undefined);
      },
      comesPartOfTheWay: (operation: DamoovOperation) => run.passed('damoov', operation),
      hasPassed: (circuit: CircuitName) => run.hasPassed(circuit),
      ends: (outcome: Outcome) => run.attribute(outcome, undefined),
      fails: (fault: Fault, operation: DamoovErrorDetails['operation'] = 'update') => {
        const error = new DamoovError({ operation, wasSent: true, ...fault });
        return run.attribute(classify(error), error);
      },
      meets(fault: Fault, operation?: DamoovErrorDetails['operation']) {
        return this.fails(fault, operation).status;
      },
    };
  };
  return { start, failureDetector, clock, opened };
}

const OUTAGE = Array.from({ length: 10 }, (_, n) => `job ${n}`);

describe('an outage', () => {
  it.each([RESET, WORDED, GATEWAY])(
    'opens the circuit after ten faults in a row, and costs no attempt: %j',
    (fault) => {
      const { start } = createProcess();
      expect(OUTAGE.map((id) => start(id).meets(fault))).toEqual([...Array(9).fill('wait'), 'held']);
      expect(start('another').meets(fault)).toBe('held');
    },
  );

  it('is none where answers come in between', () => {
    const { start } = createProcess();
    for (const id of [...OUTAGE, ...OUTAGE]) {
      start('a good one').passes();
      expect(start(id).meets(RESET)).not.toBe('held');
    }
  });

  it('costs an attempt where the job was under way when it began', () => {
    const { start } = createProcess();
    const early = start('early');
    start('a good one').passes();
    expect(early.meets(RESET)).toBe('retry');
    expect(start('late').meets(RESET)).toBe('wait');
  });

  it('is not told from a fault of the only job, which costs no attempt as long as that may be so', () => {
    const { start } = createProcess();
    for (let n = 0; n < 30; n += 1) expect(start('alone').meets(n % 2 ? RESET : GATEWAY)).toBe('wait');
  });

  it('of one kind of request costs no attempt, though other kinds are answered', () => {
    const { start } = createProcess();
    for (let n = 0; n < 20; n += 1) {
      start('a sign-up').passes('damoov', 'create');
      const run = start('an update');
      run.comesPartOfTheWay('find');
      expect(run.meets(GATEWAY, 'update')).toBe('wait');
    }
  });

  it('of which a look-up takes no notice opens the circuit all the same', () => {
    const { start } = createProcess();
    const ends = OUTAGE.map((id) => {
      const run = start(id);
      run.comesPartOfTheWay('find');
      return run.meets(GATEWAY, 'update');
    });
    expect(ends.at(-1)).toBe('held');
  });

  it('is known to be one after ten faults in a row, until an answer comes', () => {
    const { start, failureDetector } = createProcess();
    const seen = OUTAGE.map((id) => {
      start(id).meets(RESET);
      return failureDetector.isCutOff;
    });
    expect(seen).toEqual([...Array(9).fill(false), true]);
    start('a good one').passes();
    expect(failureDetector.isCutOff).toBe(false);
  });

  it('has the job come back later each time, within a minute, as long as it may be one', () => {
    const { start } = createProcess();
    const delays = Array.from({ length: 30 }, () => {
      const outcome = start('alone').fails(RESET);
      return outcome.status === 'wait' ? outcome.delayMs : Number.NaN;
    });
    expect(delays.every((ms) => ms >= 0 && ms <= 60_000)).toBe(true);
    // The first is at most a second: that each of thirty draws from a growing range is as low will not happen.
    expect(delays[0]).toBeLessThanOrEqual(1000);
    expect(Math.max(...delays)).toBeGreaterThan(1000);
  });

  it('refuses the probe, however few faults this process has seen', () => {
    const { start } = createProcess();
    expect(start('probeJob', ['damoov']).meets(RESET)).toBe('held');
  });
});

describe('a fault of one job alone', () => {
  it('costs an attempt each time, once others have come through', () => {
    const { start } = createProcess();
    expect(start('poison').meets(GATEWAY)).toBe('wait');
    for (let n = 0; n < 5; n += 1) {
      start('a good one').passes();
      expect(start('poison').meets(GATEWAY)).toBe('retry');
    }
  });

  it('costs an attempt also if others of its kind came through before those of another kind', () => {
    const { start } = createProcess();
    start('poison').meets(GATEWAY, 'create');
    start('a good one').passes('damoov', 'create');
    start('a good one').passes('damoov', 'update');
    expect(start('poison').meets(GATEWAY, 'create')).toBe('retry');
  });

  it('costs an attempt also if one that came through asked something else after that', () => {
    const { start } = createProcess();
    start('poison').meets(GATEWAY, 'find');
    const good = start('a good one');
    good.comesPartOfTheWay('find');
    good.passes('damoov', 'update');
    expect(start('poison').meets(GATEWAY, 'find')).toBe('retry');
  });

  it('costs an attempt also if the last to come through had begun before it', () => {
    const { start } = createProcess();
    const slow = start('a slow one');
    const poison = start('poison');
    start('a good one').passes();
    slow.passes();
    expect(poison.meets(RESET)).toBe('retry');
  });

  it('costs none because of others that began in the very moment of its own', () => {
    const { start, clock } = createProcess();
    clock.step = 0;
    expect(start('poison').meets(GATEWAY)).toBe('wait');
    start('a good one').passes();
    expect(start('poison').meets(GATEWAY)).toBe('wait');
  });

  it('that Damoov asks patience for gets it', () => {
    const { start } = createProcess();
    start('poison').meets(GATEWAY);
    start('a good one').passes();
    const { reason } = start('poison').fails(GATEWAY) as { reason: string };
    expect(start('poison').fails(GATEWAY)).toEqual({ status: 'wait', reason, delayMs: expect.any(Number) });
    start('a good one').passes();
    const patient = start('poison').fails({ ...GATEWAY, retryAfterMs: 7000 });
    expect(patient).toEqual({ status: 'retry', reason, afterMs: 7000 });
    start('a good one').passes();
    expect(start('poison').fails(GATEWAY)).toStrictEqual({ status: 'retry', reason });
  });

  it.each<[string, Outcome, string]>([
    ['is forgotten once the job has ended', failed('rejected', 'no'), 'wait'],
    ['is remembered while the job waits', { status: 'wait', reason: 'later', delayMs: 1 }, 'retry'],
    ['is remembered while the job is tried again', { status: 'retry', reason: 'once more' }, 'retry'],
  ])('%s', (_title, outcome, next) => {
    const { start } = createProcess();
    start('poison').meets(GATEWAY);
    expect(start('poison').ends(outcome)).toBe(outcome);
    start('a good one').passes();
    expect(start('poison').meets(GATEWAY)).toBe(next);
  });

  it.each([
    ['is remembered over those of 9,999 others', [], 9999, 'retry'],
    ['is forgotten over those of 10,000 others', [], 10_000, 'wait'],
    ['counts by its last time', ['another', 'poison'], 9999, 'retry'],
  ])('%s', (_title, before, others, next) => {
    const { start } = createProcess();
    for (const id of ['poison', ...before]) start(id).meets(RESET);
    for (let n = 0; n < others; n += 1) start(`job ${n}`).meets(RESET);
    start('a good one').passes();
    expect(start('poison').meets(RESET)).toBe(next);
  });

  it('costs an attempt where Damoov words it, and nobody else is there to compare', () => {
    const { start } = createProcess();
    expect(start('poison').meets(WORDED)).toBe('wait');
    expect(start('poison').meets(WORDED)).toBe('retry');
    expect(start('poison').meets(WORDED)).toBe('retry');
  });

  it('does not open the circuit of a credential that others use meanwhile', () => {
    const { start } = createProcess();
    const poison = start('poison');
    start('a good one').passes('instance-key', 'create');
    expect(poison.meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('wait');
    start('a good one').passes('instance-key', 'create');
    expect(start('poison').meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('retry');
  });

  it('does not open that circuit either where it was used lately, and nobody else is refused', () => {
    const { start } = createProcess();
    start('a good one').passes('instance-key', 'create');
    for (let n = 0; n < 9; n += 1) {
      expect(start('poison').meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('wait');
    }
  });
});

describe('a refused credential', () => {
  it('opens its circuit at once', () => {
    const { start } = createProcess();
    expect(start('1').meets({ kind: 'unauthorized', status: 401 }, 'create')).toBe('held');
    expect(start('2').meets({ kind: 'unauthorized', status: 401 }, 'find')).toBe('held');
  });

  it('that was accepted lately opens its circuit after five refusals in a row, and costs no attempt', () => {
    const { start } = createProcess();
    const early = start('early');
    start('a good one').passes('instance-key', 'create');
    const refused = { kind: 'unauthorized', status: 401 } as const;
    expect(early.meets(refused, 'create')).toBe('wait');
    const later = ['1', '2', '3', '4'].map((id) => start(id).meets(refused, 'create'));
    expect(later).toEqual(['wait', 'wait', 'wait', 'held']);
  });

  it('opens its circuit at once if it was accepted a minute ago or longer', () => {
    const refused = { kind: 'unauthorized', status: 401 } as const;
    const ends = [59_999, 60_000].map((ms) => {
      const { start, clock } = createProcess();
      clock.step = 0;
      start('a good one').passes('instance-key', 'create');
      clock.now += ms;
      return start('1').meets(refused, 'create');
    });
    expect(ends).toEqual(['wait', 'held']);
  });

  it('is never a fault of the job where the login was refused or rationed', () => {
    const { start } = createProcess();
    for (const kind of ['login-refused', 'login-barred', 'no-admin'] as const) {
      expect(start('1').meets({ kind }, 'login')).toBe('held');
      start('a good one').passes('admin');
    }
  });
});

it('that a circuit was passed is told when the run is over, and not of the circuit that refused it', () => {
  const { start, opened } = createProcess();
  const run = start('1');
  run.comesPartOfTheWay('create');
  expect(opened).toEqual([]);
  run.meets({ kind: 'unauthorized', status: 401 }, 'create');
  expect(opened).toEqual(['damoov']);
  const cutOff = start('2');
  cutOff.comesPartOfTheWay('find');
  cutOff.meets(RESET);
  expect(opened).toEqual(['damoov']);
});

it('what a run has passed is known of that run alone', () => {
  const { start } = createProcess();
  const [one, other] = [start('1'), start('2')];
  one.passes('instance-key', 'create');
  expect(one.hasPassed('instance-key:default')).toBe(true);
  expect(other.hasPassed('instance-key:default')).toBe(false);
});
