/**
 * `damoov-users import`: signs up every user of a list. Judges the whole file before it adds anything, and goes on where an
 * earlier run of the same file was stopped.
 */
import type { Queue } from 'bullmq';
import { openQueue } from '../../bullmq/open-queue.ts';
import type { Config } from '../../config/config.ts';
import { RedisAwayError, type RedisConnection } from '../../redis/connection.ts';
import { createImports } from '../../bullmq/imports.ts';
import type { RowOptions } from '../../rows/read-rows.ts';
import { identifyIn } from './anonymous-rows.ts';
import { faultsJson, faultsText, placeText } from './report.ts';
import { createPatience } from './retry-while-away.ts';
import { type ListOptions, rowOptionsOf } from './read-as.ts';
import { type Desk, runImport } from './run-import.ts';
import { type Source, madeAtOf, openSource, refuseChanged } from './source.ts';
import { type Survey, type SurveyOptions, survey } from './survey.ts';
import type { CommandContext } from '../shared/command-context.ts';
import { FileError } from '../terminal/file-error.ts';
import { counted, numberText } from '../failed/report.ts';
import { knownInstances } from '../shared/known-instance.ts';
import { outputOf } from '../terminal/output.ts';
import { createProgress } from '../terminal/progress.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { UsageError } from '../shared/usage-error.ts';
import { withRedis } from '../shared/with-redis.ts';

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

/** False where a report was asked for and tells of jobs that failed. */
export async function importUsers(
  file: string,
  options: ImportOptions,
  context: CommandContext,
): Promise<boolean> {
  // Rows make garbage that V8 would rather keep for a while: a million of them took 334 MB, and take 159 MB so.
  context.spareMemory();
  if (options.spreadsheet === true && options.report === undefined) {
    throw new UsageError('--spreadsheet: only with --report');
  }
  const stop = new AbortController();
  void untilStopped(context).then(() => stop.abort());
  const desk: Desk = {
    options,
    out: outputOf(context.stdout),
    progress: createProgress(context.stderr),
    signal: stop.signal,
    addedBefore: 0,
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
    if (desk.signal.aborted) throw new Error(`stopped: ${hintOf(desk)}`, { cause: error });
    const isHalfway = error instanceof RedisAwayError || error instanceof FileError;
    if (isHalfway && desk.place !== undefined) {
      throw new Error(`${error.message}: ${hintOf(desk)}`, { cause: error });
    }
    throw error;
  }
}

/** How to go on. */
function hintOf({ place, addedBefore }: Desk): string {
  if (place === undefined) return 'nothing was added';
  return `${placeText(place, addedBefore)}; run the same command again for the rest`;
}

async function importSource(
  source: Source,
  rows: RowOptions,
  redis: RedisConnection,
  config: Config,
  desk: Desk,
): Promise<boolean> {
  const { options, progress, signal } = desk;
  const identify = options.allowAnonymous === true ? identifyIn(config) : undefined;
  const found = await judge(source, { ...rows, identify, instances: knownInstances(config) }, desk);
  const patiently = createPatience({
    mostMs: options.redisAway,
    signal,
    onChange: (isAway) => progress.say(isAway ? 'Redis is away: waiting for it' : 'Redis is back'),
  });
  const imports = createImports({
    prefix: config.queues.prefix,
    jobs: queueOf(redis, config),
    connection: redis,
    instances: knownInstances(config),
    soonMs: Math.max(SOON_MS, config.retry.maxMs),
    maxWaiting: options.maxWaiting,
  });
  const asOf = madeAtOf(source, options.asOf);
  return runImport({ source, rows, found, identify, imports, patiently, asOf }, desk);
}

function queueOf(connection: RedisConnection, { queues: { prefix, jobs: name } }: Config): Queue {
  return openQueue(name, { connection, prefix });
}

/**
 * Reads the whole file, and tells its faults.
 * @throws UsageError where nothing may be added.
 */
async function judge(
  source: Source,
  how: RowOptions & Pick<SurveyOptions, 'identify' | 'instances'>,
  desk: Desk,
): Promise<Survey> {
  const { options, out, progress } = desk;
  progress.start('reading', 'byte', source.sizeBytes);
  const found = await survey(source, {
    ...how,
    allowsDuplicates: options.allowDuplicates ?? false,
    signal: desk.signal,
    onRead: (bytes) => progress.show(bytes),
  });
  progress.end();
  for (const warning of found.warnings) progress.say(`warning: ${warning}`);
  const { rows, faultCount, faulty, isReadable } = found;
  if (rows === 0) throw new UsageError('the file has no row');
  if (faultCount > 0) {
    progress.say(faultsText(found));
    if (!isReadable || options.skipInvalid !== true) {
      if (options.json === true) await out.line(JSON.stringify(faultsJson(found)));
      const left = `${numberText(faulty.size)} of ${counted(rows, 'row')}`;
      const way = isReadable ? `: mend them, or let --skip-invalid leave out ${left}` : '';
      throw new UsageError(`nothing was added${way}`);
    }
  }
  await refuseChanged(source);
  return found;
}
