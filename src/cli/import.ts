/**
 * `damoov-users import`: signs up every user of a list. Judges the whole file before it adds anything, and goes on where an
 * earlier run of the same file was stopped.
 */
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import type { Config } from '../config.ts';
import { RedisAwayError, type RedisConnection } from '../redis/connection.ts';
import { type ImportRun, type Place, createImports } from '../redis/imports/imports.ts';
import type { RowOptions } from '../rows/read-rows.ts';
import { addRows } from './import/add-rows.ts';
import { identifyIn } from './import/anonymous-rows.ts';
import { createEnds } from './import/ends.ts';
import { completeText, faultsJson, faultsText, resultText } from './import/import-text.ts';
import { createPatience } from './import/patience.ts';
import { type ListOptions, rowOptionsOf } from './import/read-as.ts';
import { type Report, openReport } from './import/report.ts';
import { type Source, madeAtOf, openSource, refuseChanged } from './import/source.ts';
import { type Survey, survey } from './import/survey.ts';
import type { CommandContext } from './context.ts';
import { numberText } from './failed-report.ts';
import { type Output, outputOf } from './output.ts';
import { type Progress, createProgress } from './progress.ts';
import { untilStopped } from './until-stopped.ts';
import { UsageError } from './usage-error.ts';
import { withRedis } from './with-redis.ts';

export interface ImportOptions extends ListOptions {
  skipInvalid?: boolean;
  allowDuplicates?: boolean;
  /** Takes rows with neither clientId nor userId. */
  allowAnonymous?: boolean;
  /** Jobs. */
  maxWaiting: number;
  /** A file. */
  report?: string;
  /** No cell of the report is to be a formula. */
  spreadsheet?: boolean;
  again?: boolean;
  /** Milliseconds. */
  redisAway: number;
  json?: boolean;
}

/** Jobs that are due later than in ten minutes are deferred deletions, and do not wait to be worked on. */
const SOON_MS = 600_000;

/** What the whole command works with. */
interface Desk {
  options: ImportOptions;
  out: Output;
  progress: Progress;
  /** Aborted by Ctrl-C, and the like. */
  signal: AbortSignal;
  /** Where the import stands, as far as this run has seen. */
  place?: Place;
}

/** False where a report was asked for and tells of jobs that failed. */
export async function importUsers(
  file: string,
  options: ImportOptions,
  context: CommandContext,
): Promise<boolean> {
  // Rows make garbage that V8 would rather keep for a while: a million of them took 334 MB, and take 159 MB so.
  context.spareMemory();
  const stop = new AbortController();
  void untilStopped(context).then(() => stop.abort());
  const desk: Desk = {
    options,
    out: outputOf(context.stdout),
    progress: createProgress(context.stderr),
    signal: stop.signal,
  };
  try {
    return await withRedis(context, async (redis, config) => {
      const source = await openSource(file, context.stdin, desk.signal);
      try {
        const rows = await rowOptionsOf(source, { ...options, file, command: 'import' });
        return await importSource(source, rows, redis, config, desk);
      } finally {
        await source.close();
      }
    });
  } catch (error) {
    desk.progress.end();
    if (desk.signal.aborted) throw new Error(`stopped: ${hintOf(desk.place)}`, { cause: error });
    if (error instanceof RedisAwayError && desk.place !== undefined) {
      throw new Error(`${error.message}: ${hintOf(desk.place)}`, { cause: error });
    }
    throw error;
  }
}

/** How to go on. */
function hintOf(place: Place | undefined): string {
  if (place === undefined) return 'nothing was added';
  return `${numberText(place.added)} rows are added, up to line ${place.line}; run the same command again for the rest`;
}

async function importSource(
  source: Source,
  rows: RowOptions,
  redis: RedisConnection,
  config: Config,
  desk: Desk,
): Promise<boolean> {
  const { options, out, progress, signal } = desk;
  const identify = options.allowAnonymous === true ? identifyIn(config) : undefined;
  progress.start('reading', 'bytes', source.sizeBytes);
  const found = await survey(source, {
    ...rows,
    allowsDuplicates: options.allowDuplicates ?? false,
    identify,
    signal,
    onRead: (bytes) => progress.show(bytes),
  });
  progress.end();
  for (const warning of found.warnings) progress.say(`warning: ${warning}`);
  await judge(found, desk);
  await refuseChanged(source);

  const patiently = createPatience({
    mostMs: options.redisAway,
    signal,
    onChange: (isAway) => progress.say(isAway ? 'Redis is away: waiting for it' : 'Redis is back'),
  });
  const imports = createImports({
    prefix: config.queues.prefix,
    jobs: queueOf(redis, config),
    instances: config.damoov === 'sandbox' ? ['default'] : Object.keys(config.damoov.instances),
    soonMs: Math.max(SOON_MS, config.retry.maxMs),
    maxWaiting: options.maxWaiting,
  });
  const run = randomUUID();
  const followsJobs = options.report !== undefined;
  if (options.spreadsheet === true && !followsJobs) throw new UsageError('--spreadsheet: only with --report');
  const asOf = madeAtOf(source, options.asOf);
  const begin = () => imports.begin(found.id, { run, isAgain: options.again ?? false, followsJobs, asOf });
  const begun = await patiently(begin);
  desk.place = begun.place;
  if (begun.completeSince !== undefined) {
    await out.line(completeText(begun.place, begun.completeSince, options.json ?? false));
    return true;
  }
  if (begun.followsJobs !== followsJobs) {
    const wish = followsJobs ? 'without --report: leave it out' : 'with --report: give it again';
    throw new UsageError(`this import was begun ${wish}`);
  }
  const goesOn = begun.place.line > 0;
  const report =
    options.report === undefined ? undefined : await openReport(options.report, goesOn, options.spreadsheet);
  try {
    return await add(begun, begin, report);
  } finally {
    await report?.close();
  }

  async function add(begun: ImportRun, begin: () => Promise<ImportRun>, report: Report | undefined) {
    const { added, skipped, line } = begun.place;
    if (goesOn) progress.say(`going on after line ${line}: ${numberText(added)} rows are added`);
    progress.start('adding', 'rows', found.rows, added + skipped);
    const place = await addRows(begun, {
      source,
      rows,
      survey: found,
      identify,
      begin,
      patiently,
      maxWaiting: options.maxWaiting,
      ends:
        report && createEnds({ report, patiently, signal, onLook: (open) => show(`${open} jobs to end`) }),
      signal,
      onAdded(place, waiting) {
        desk.place = place;
        show(waiting === undefined ? undefined : `${numberText(waiting)} jobs wait`);
      },
    });
    progress.end();
    if (await source.hasChanged())
      throw new Error('the file was changed while it was imported: run it again');
    await out.line(resultText({ id: found.id, rows: found.rows, place, report }, options.json ?? false));
    return (report?.counts.failed ?? 0) === 0;
  }

  function show(note: string | undefined): void {
    const { added = 0, skipped = 0 } = desk.place ?? {};
    progress.show(added + skipped, note);
  }
}

function queueOf(connection: RedisConnection, { queues: { prefix, jobs: name } }: Config): Queue {
  const jobs = new Queue(name, { connection, prefix, skipMetasUpdate: true });
  // Only echoes what the connection says itself; without a listener BullMQ would print it.
  jobs.on('error', () => {});
  return jobs;
}

/** @throws UsageError where nothing may be added. */
async function judge(found: Survey, { options, out, progress }: Desk): Promise<void> {
  const { rows, faultCount, faulty, isReadable } = found;
  if (rows === 0) throw new UsageError('the file has no row');
  if (faultCount === 0) return;
  progress.say(faultsText(found));
  if (isReadable && options.skipInvalid === true) return;
  if (options.json === true) await out.line(JSON.stringify(faultsJson(found)));
  const way = isReadable ? `: mend them, or let --skip-invalid leave out ${faulty.size} of ${rows} rows` : '';
  throw new UsageError(`nothing was added${way}`);
}
