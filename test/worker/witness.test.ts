import { describe, expect, it } from 'vitest';
import type { Quarantine } from '../../src/contract/outcome.ts';
import { DamoovError, type DamoovErrorDetails, type DamoovOperation } from '../../src/damoov/errors.ts';
import { classify } from '../../src/worker/classify.ts';
import type { GateName, Passage } from '../../src/worker/gates.ts';
import { DEFAULT_RETRY_POLICY } from '../../src/worker/retry-policy.ts';
import { Witness } from '../../src/worker/witness.ts';

type Fault = Pick<DamoovErrorDetails, 'kind'> & Partial<DamoovErrorDetails>;

const RESET: Fault = { kind: 'network' };
const WORDED: Fault = { kind: 'server', status: 500 };
const GATEWAY: Fault = { kind: 'server', status: 503 };

/** A process, and the runs of its jobs at times that the test says. */
function createProcess() {
  let now = 0;
  const witness = new Witness({ retry: DEFAULT_RETRY_POLICY, now: () => (now += 1) });
  const start = (jobId: string, probes: GateName[] = []) => {
    const passage: Passage = { shut: [], probes };
    const run = witness.follow(jobId, 'default', passage);
    return {
      /** A run that ends well. */
      passes: (gate: Quarantine['gate'] = 'damoov', operation: DamoovOperation = 'update') => {
        run.passed(gate, operation);
        run.weigh({ status: 'superseded', by: 'the test' }, undefined);
      },
      comesPartOfTheWay: (operation: DamoovOperation) => run.passed('damoov', operation),
      hasPassed: (gate: GateName) => run.hasPassed(gate),
      meets: (fault: Fault, operation: DamoovErrorDetails['operation'] = 'update') => {
        const error = new DamoovError({ operation, wasSent: true, ...fault });
        return run.weigh(classify(error), error).status;
      },
    };
  };
  return { start };
}

const OUTAGE = Array.from({ length: 10 }, (_, n) => `job ${n}`);

describe('an outage', () => {
  it.each([RESET, WORDED, GATEWAY])(
    'shuts the gate after ten faults in a row, and costs no attempt: %j',
    (fault) => {
      const { start } = createProcess();
      expect(OUTAGE.map((id) => start(id).meets(fault))).toEqual([...Array(9).fill('wait'), 'quarantine']);
      expect(start('another').meets(fault)).toBe('quarantine');
    },
  );

  it('is none where answers come in between', () => {
    const { start } = createProcess();
    for (const id of [...OUTAGE, ...OUTAGE]) {
      start('a good one').passes();
      expect(start(id).meets(RESET)).not.toBe('quarantine');
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

  it('of which a look-up takes no notice shuts the gate all the same', () => {
    const { start } = createProcess();
    const ends = OUTAGE.map((id) => {
      const run = start(id);
      run.comesPartOfTheWay('find');
      return run.meets(GATEWAY, 'update');
    });
    expect(ends.at(-1)).toBe('quarantine');
  });

  it('refuses the probe, however few faults this process has seen', () => {
    const { start } = createProcess();
    expect(start('scout', ['damoov']).meets(RESET)).toBe('quarantine');
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

  it('costs an attempt where Damoov words it, and nobody else is there to compare', () => {
    const { start } = createProcess();
    expect(start('poison').meets(WORDED)).toBe('wait');
    expect(start('poison').meets(WORDED)).toBe('retry');
    expect(start('poison').meets(WORDED)).toBe('retry');
  });

  it('does not shut the gate of a credential that others use meanwhile', () => {
    const { start } = createProcess();
    const poison = start('poison');
    start('a good one').passes('instance-key', 'create');
    expect(poison.meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('wait');
    start('a good one').passes('instance-key', 'create');
    expect(start('poison').meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('retry');
  });

  it('does not shut that gate either where it was used lately, and nobody else is refused', () => {
    const { start } = createProcess();
    start('a good one').passes('instance-key', 'create');
    for (let n = 0; n < 9; n += 1) {
      expect(start('poison').meets({ kind: 'forbidden', status: 403 }, 'create')).toBe('wait');
    }
  });
});

describe('a refused credential', () => {
  it('shuts its gate at once', () => {
    const { start } = createProcess();
    expect(start('1').meets({ kind: 'unauthorized', status: 401 }, 'create')).toBe('quarantine');
    expect(start('2').meets({ kind: 'unauthorized', status: 401 }, 'find')).toBe('quarantine');
  });

  it('that was accepted lately shuts its gate after five refusals in a row, and costs no attempt', () => {
    const { start } = createProcess();
    const early = start('early');
    start('a good one').passes('instance-key', 'create');
    const refused = { kind: 'unauthorized', status: 401 } as const;
    expect(early.meets(refused, 'create')).toBe('wait');
    const later = ['1', '2', '3', '4'].map((id) => start(id).meets(refused, 'create'));
    expect(later).toEqual(['wait', 'wait', 'wait', 'quarantine']);
  });

  it('is never a fault of the job where the log-in was refused or rationed', () => {
    const { start } = createProcess();
    for (const kind of ['login-refused', 'login-barred', 'no-admin'] as const) {
      expect(start('1').meets({ kind }, 'login')).toBe('quarantine');
      start('a good one').passes('admin');
    }
  });
});

it('what a run has passed is known of that run alone', () => {
  const { start } = createProcess();
  const [one, other] = [start('1'), start('2')];
  one.passes('instance-key', 'create');
  expect(one.hasPassed('instance-key:default')).toBe(true);
  expect(other.hasPassed('instance-key:default')).toBe(false);
});
