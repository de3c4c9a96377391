/**
 * What a command selects of a failed set: listed, or changed after a count and a confirmation.
 */
import {
  type Selection,
  type Tally,
  changeEach,
  countKinds,
  expectNoMore,
  goneOf,
} from '../../bullmq/selection.ts';
import { RedisAwayError, isLostConnection } from '../../redis/connection.ts';
import { requireYes } from '../terminal/confirm.ts';
import { outputOf } from '../terminal/output.ts';
import { createProgress } from '../terminal/progress.ts';
import { counted as countedText, jsonLine, numberText } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { type Audit, filterOf } from './audited.ts';
import type { CommandContext } from './command-context.ts';
import { type FailedEntry, type Report, countsText, tableOf } from './selection-report.ts';

export interface Counted<One extends FailedEntry> {
  total: number;
  /** The counts, for people and for machines. */
  text: string;
  json: object;
  selection: Selection<One>;
  report: Report<One>;
}

export interface ListOptions {
  /** How many are shown; 0 for all. */
  limit: number;
  json?: boolean;
}

export interface ChangeOptions {
  /** Without confirmation. */
  yes?: boolean;
  /** Why, for the audit log. */
  reason?: string;
  json?: boolean;
}

/** Counts what is selected. */
export async function countSelection<One extends FailedEntry>(
  selection: Selection<One>,
  report: Report<One>,
): Promise<Counted<One>> {
  const kinds = await countKinds(selection);
  const { total } = kinds;
  // The number may have changed meanwhile.
  const others = Math.max(0, (await selection.all()) - total);
  const by = kinds.by.map(({ kind, count }) => ({ ...kind, [report.key]: count }));
  const text = countsText(kinds, others, selection.what);
  return { total, text, json: { counts: { total, by }, others }, selection, report };
}

/** Shows the counts, then the oldest. */
export async function showSelection<One extends FailedEntry>(
  { total, text, json: counts, selection: { read }, report }: Counted<One>,
  { limit, json = false }: ListOptions,
  context: CommandContext,
): Promise<void> {
  const out = outputOf(context.stdout);
  if (json && limit > 0) {
    const all: One[] = [];
    for await (const page of firstOf(read(), limit)) all.push(...page);
    await out.line(jsonLine({ ...counts, [report.key]: all }));
    return;
  }
  if (!(await out.line(json ? jsonLine(counts) : text))) return;
  let shown = 0;
  for await (const some of firstOf(read(), limit)) {
    const table = json ? some.map(jsonLine) : tableOf(some, report, Date.now(), context.stdout.columns);
    // The widest cells of all pages are unknown without holding all: each page has its own widths, and only the first a heading.
    const lines = json ? table : shown === 0 ? ['', ...table] : table.slice(1);
    if (!(await out.line(lines.join('\n')))) return;
    shown += some.length;
  }
  if (shown < total && !json) await out.line(`… ${numberText(total - shown)} more (--limit)`);
}

/** Changes all that is selected, some at a time. @param act answers how many it has changed. */
export async function changeSelection<One extends FailedEntry>(
  counted: Counted<One>,
  { verb, done: doneWord, what, command }: { verb: string; done: string; what: string; command: string },
  { yes = false, json = false, reason, ...filter }: ChangeOptions,
  context: CommandContext,
  act: (some: One[]) => Promise<number>,
  audit: Audit,
): Promise<void> {
  const { total, text, selection } = counted;
  const out = outputOf(context.stdout);
  const print = ({ done, gone }: { done: number; gone: number }) => {
    const line = `${numberText(done)} ${doneWord}${gone === 0 ? '' : `, ${numberText(gone)} gone meanwhile`}`;
    return out.line(json ? JSON.stringify({ [doneWord]: done, gone }) : line);
  };
  if (total === 0) {
    await (json ? print({ done: 0, gone: 0 }) : out.line(text));
    return;
  }
  context.stderr.write(`${text}\n`);
  if (!yes) await requireYes(`${verb} ${countedText(total, what)}?`, `nothing was ${doneWord}`, context);
  await expectNoMore(selection, total);
  await audit({ what: command, filter: filterOf(filter), count: total, reason });
  const { isWhole, ...end } = await actOn(counted, act, { done: doneWord, what }, context);
  await print(end);
  if (!isWhole) throw new Error('stopped: run the command again for the rest');
}

/** Runs until a signal to stop. `gone`: those that were no longer there. */
async function actOn<One extends FailedEntry>(
  { total, selection: { read } }: Counted<One>,
  act: (some: One[]) => Promise<number>,
  words: { done: string; what: string },
  context: CommandContext,
): Promise<{ done: number; gone: number; isWhole: boolean }> {
  let isStopped = false;
  void untilStopped(context).then(() => (isStopped = true));
  const progress = createProgress(context.stderr);
  progress.start(words.done, words.what, total);
  let tally: Tally = { seen: 0, done: 0, inDoubt: 0 };
  try {
    await changeEach(read(), act, (now) => {
      tally = now;
      progress.show(now.seen);
      return !isStopped;
    });
  } catch (error) {
    if (!isLostConnection(error)) throw error;
    const soFar = `${numberText(tally.done)} ${words.done} for certain, ${numberText(tally.inDoubt)} more perhaps`;
    throw new RedisAwayError(`the connection was lost (${soFar}); run the command again for the rest`);
  } finally {
    progress.end();
  }
  const isWhole = !isStopped || tally.seen >= total;
  return { done: tally.done, gone: goneOf(tally, total, isWhole), isWhole };
}

/** @param most how many at most; 0 for all. */
async function* firstOf<One>(pages: AsyncIterable<One[]>, most: number): AsyncGenerator<One[]> {
  let left = most === 0 ? Infinity : most;
  for await (const page of pages) {
    yield page.slice(0, left);
    left -= page.length;
    if (left <= 0) return;
  }
}
