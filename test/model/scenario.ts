/**
 * Draws scenarios: a history of a few users, the order and the moments in which its jobs arrive, and what goes wrong
 * meanwhile. Here it is ensured that the model is exact for each of them; nothing is carried out.
 */
import * as fc from 'fast-check';
import type { SandboxModes } from '../../src/sandbox/server.ts';
import { FIELDS, type HistoryJob, tell, usersAfter, valueOf } from './history.ts';

export interface Step extends HistoryJob {
  /** `quiet` comes once those before it are done, or wait for another to come. */
  readonly arrives: 'backlog' | 'running' | 'quiet';
  /** It waits for a create that may not come: it was added long ago, so that its patience is over at once. */
  readonly isOrphan: boolean;
}

export interface Scenario {
  /** In the order of arrival. */
  readonly steps: readonly Step[];
  readonly userIds: 'derived' | 'assigned';
  readonly faults: Partial<SandboxModes>;
}

const draft = fc.record({
  name: fc.constantFrom('create-user', 'update-user', 'delete-user', 'create-user', 'update-user'),
  clientId: fc.constantFrom('c-1', 'c-1', 'c-2'),
  version: fc.nat({ max: 40 }),
  fields: fc.subarray([...FIELDS], { minLength: 1 }),
  clears: fc.boolean(),
  isLate: fc.boolean(),
});
/** Of a user whom every job names by its UserId, and whom jobs move. */
const moverDraft = fc.record({
  name: fc.constantFrom('update-user', 'move-user'),
  toInstance: fc.constantFrom('default', 'other'),
  version: fc.integer({ min: 1, max: 40 }),
  fields: fc.subarray([...FIELDS], { minLength: 1 }),
  isLate: fc.boolean(),
  place: fc.nat({ max: 18 }),
});
type MoverDraft = typeof moverDraft extends fc.Arbitrary<infer D> ? D : never;

type Draft = typeof draft extends fc.Arbitrary<infer D> ? D : never;

const rate = fc.constantFrom(0, 0.1, 0.3);

/** How Damoov misbehaves while the history runs. */
const faults = fc.record({
  commitThenDropRate: rate,
  errorRate: rate,
  dropRate: rate,
  duplicateToken: fc.constantFrom('same', '409', '422', '400', 'second-user'),
  unknownDelete: fc.constantFrom('404', '403', '200-null'),
  latencyMs: fc.constantFrom<SandboxModes['latencyMs']>(0, [0, 20]),
  seed: fc.nat({ max: 1000 }),
}) satisfies fc.Arbitrary<Partial<SandboxModes>>;

export const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    drafts: fc.array(draft, { minLength: 1, maxLength: 18, size: '+1' }),
    movers: fc.array(moverDraft, { maxLength: 6 }),
    backlog: fc.nat({ max: 18 }),
    userIds: fc.constantFrom('derived', 'derived', 'assigned'),
    faults,
  })
  .map(({ drafts, movers, backlog, userIds, faults }) => ({
    steps: interleaved(steps(drafts, backlog), moverSteps(movers, backlog)),
    userIds,
    faults,
  }));

function steps(drafts: readonly Draft[], backlog: number): Step[] {
  const jobs = drafts.map((draft, n) => ({ ...draft, fields: fieldsOf(draft, n, drafts) }));
  const live = usersAfter(jobs);
  return jobs.map(({ name, clientId, version, fields, isLate }, n) => ({
    name,
    clientId,
    version,
    fields,
    arrives: n < backlog ? 'backlog' : isLate ? 'quiet' : 'running',
    isOrphan: !live.has(clientId) && waitsInVain({ name, clientId, version }, drafts),
  }));
}

/** The sign-up is the oldest job, wherever it comes. */
function moverSteps(drafts: readonly MoverDraft[], backlog: number): { step: Step; place: number }[] {
  const user = { clientId: 'c-3', userId: 'bbbbbbbb-0000-4000-8000-000000000003', isOrphan: false };
  return drafts.map(({ name, toInstance, version, fields, isLate, place }, n) => {
    const arrives = place < backlog ? 'backlog' : isLate ? 'quiet' : 'running';
    if (n === 0) return { step: { ...user, name: 'create-user', version: 0, fields: {}, arrives }, place };
    const values = Object.fromEntries(fields.map((field) => [field, valueOf(field, `m${n}`)]));
    const what = name === 'move-user' ? { toInstance, fields: {} } : { fields: values };
    return { step: { ...user, name, version, ...what, arrives }, place };
  });
}

function interleaved(jobs: readonly Step[], movers: readonly { step: Step; place: number }[]): Step[] {
  const all = [...jobs.map((step, place) => ({ step, place })), ...movers];
  return all.toSorted((a, b) => a.place - b.place).map(({ step }) => step);
}

/**
 * Each job writes values of its own. A create that follows a deletion writes all fields: where it comes before the
 * deletion is carried out it cancels it, and the old user with its old fields stays.
 */
function fieldsOf({ name, clientId, version, fields, clears }: Draft, n: number, all: readonly Draft[]) {
  if (name === 'delete-user') return {};
  const isSignUp = name === 'create-user';
  const isReturn = isSignUp && version > firstDeletion(clientId, all);
  const value = clears && !isSignUp ? null : `${n + 1}`;
  return Object.fromEntries((isReturn ? FIELDS : fields).map((field) => [field, valueOf(field, value)]));
}

/** Where there is no create after it, an update finds no user, and a deletion waits for one where an update is newer. */
function waitsInVain(
  { name, clientId, version }: Pick<Draft, 'name' | 'clientId' | 'version'>,
  all: readonly Draft[],
) {
  if (name === 'update-user') return version > lastDeletion(clientId, all);
  const isOlder = (other: Draft) =>
    other.name === 'update-user' && other.clientId === clientId && other.version > version;
  return name === 'delete-user' && all.some(isOlder);
}

function firstDeletion(clientId: string, drafts: readonly Draft[]): number {
  return Math.min(...deletions(clientId, drafts));
}

function lastDeletion(clientId: string, drafts: readonly Draft[]): number {
  return Math.max(...deletions(clientId, drafts));
}

function deletions(clientId: string, drafts: readonly Draft[]): number[] {
  return drafts.flatMap((draft) =>
    draft.name === 'delete-user' && draft.clientId === clientId ? [draft.version] : [],
  );
}

/** A scenario for a person to read, a line for each job. */
export function tellScenario({ steps, userIds, faults }: Scenario): string {
  const moments = { backlog: 'before the worker', running: 'while it runs', quiet: 'when it is quiet' };
  const lines = steps.map(
    (step, n) =>
      `${`${n + 1}`.padStart(4)}  ${moments[step.arrives].padEnd(17)}  ${tell(step)}${step.isOrphan ? '  (an hour old)' : ''}`,
  );
  return [`${userIds} ids, ${JSON.stringify(faults)}`, ...lines].join('\n');
}
