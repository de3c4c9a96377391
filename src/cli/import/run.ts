/**
 * `damoov-users import`: signs up every user of a list. Validates the whole file before it adds anything, and continues an interrupted
 * run of the same file.
 */
import { createImports } from '../../bullmq/imports.ts';
import type { Config } from '../../config/config.ts';
import { RedisAwayError, type RedisConnection } from '../../redis/connection.ts';
import type { RowOptions } from '../../rows/read-rows.ts';
import type { CommandContext } from '../common/command-context.ts';
import { knownInstances } from '../common/known-instance.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';
import { FileError } from '../terminal/file-error.ts';
import { outputOf } from '../terminal/output.ts';
import { createProgress } from '../terminal/progress.ts';
import { counted, numberText } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { faultsText, placeText } from './report.ts';
import { createRetryWhileAway } from './retry-while-away.ts';
import { type ImportContext, runImport } from './run-import.ts';
import {
  type ListOptions,
  type Source,
  listTime,
  openSource,
  refuseChanged,
  rowOptionsFor,
} from './source.ts';
import { type Survey, survey } from './survey.ts';

export interface ImportOptions extends ListOptions {
  skipInvalid?: boolean;
  allowDuplicates?: boolean;
  maxWaiting: number;
  report?: string;
  again?: boolean;
  /** Milliseconds. */
  redisAway: number;
  json?: boolean;
}

/** Jobs due in more than ten minutes are deferred deletions, not jobs that wait for a worker. */
const SOON_MS = 600_000;

/** False if a report was requested and lists failed jobs. */
export async function importUsers(
  file: string,
  options: ImportOptions,
  context: CommandContext,
): Promise<boolean> {
  // Rows make garbage that V8 would keep for a while: a million of them took 334 MB, and take 182 MB with this.
  context.spareMemory();
  const stop = new AbortController();
  void untilStopped(context).then(() => stop.abort());
  const running: ImportContext = {
    options,
    out: outputOf(context.stdout),
    progress: createProgress(context.stderr),
    signal: stop.signal,
    addedBefore: 0,
  };
  try {
    return await withRedis(context, async (redis, config) => {
      const source = await openSource(file, context.stdin, running.signal);
      try {
        const rows = rowOptionsFor(file, options);
        return await importSource(source, rows, redis, config, running);
      } finally {
        await source.close();
      }
    });
  } catch (error) {
    running.progress.end();
    if (running.signal.aborted) throw new Error(`stopped: ${resumeHint(running)}`, { cause: error });
    const isHalfway = error instanceof RedisAwayError || error instanceof FileError;
    if (isHalfway && running.place !== undefined) {
      // The last rows may have been added, and the reply lost.
      const least = error instanceof RedisAwayError ? 'at least ' : '';
      throw new Error(`${error.message}: ${least}${resumeHint(running)}`, { cause: error });
    }
    throw error;
  }
}

function resumeHint({ place, addedBefore }: ImportContext): string {
  if (place === undefined) return 'nothing was added';
  return `${placeText(place, addedBefore)}; run the same command again for the rest`;
}

async function importSource(
  source: Source,
  rows: RowOptions,
  redis: RedisConnection,
  config: Config,
  running: ImportContext,
): Promise<boolean> {
  const { options, progress, signal } = running;
  const { prefix, jobs: name } = config.queues;
  const instances = knownInstances(config);
  const found = await validate(source, rows, instances, running);
  const retryWhileAway = createRetryWhileAway({
    mostMs: options.redisAway,
    signal,
    onChange: (isAway) => progress.say(isAway ? 'Redis is away: waiting for it' : 'Redis is back'),
  });
  const imports = createImports({
    prefix,
    jobs: openQueue(name, { connection: redis, prefix }),
    connection: redis,
    instances,
    soonMs: Math.max(SOON_MS, config.retry.maxMs),
    maxWaiting: options.maxWaiting,
  });
  const asOf = listTime(source, options.asOf);
  return runImport({ source, rows, found, imports, retryWhileAway, asOf }, running);
}

/**
 * Reads the whole file, and reports its faults.
 * @throws UsageError if nothing may be added.
 */
async function validate(
  source: Source,
  how: RowOptions,
  instances: readonly string[],
  { options, out, progress, signal }: ImportContext,
): Promise<Survey> {
  progress.start('reading', 'byte', source.sizeBytes);
  const found = await survey(source, {
    ...how,
    instances,
    allowsDuplicates: options.allowDuplicates ?? false,
    signal,
    onRead: (bytes) => progress.show(bytes),
  });
  progress.end();
  for (const warning of found.warnings) progress.say(`warning: ${warning}`);
  const { rows, faults, faultCount, faulty, isReadable } = found;
  if (rows === 0) throw new UsageError('the file has no rows');
  if (faultCount > 0) {
    progress.say(faultsText(found));
    if (!isReadable || options.skipInvalid !== true) {
      const summary = { rows, faultyRows: faulty.size, faultCount, isReadable, faults };
      if (options.json === true) await out.line(JSON.stringify(summary));
      const left = `${numberText(faulty.size)} of ${counted(rows, 'row')}`;
      const way = isReadable ? `: correct them, or omit ${left} with --skip-invalid` : '';
      throw new UsageError(`nothing was added${way}`);
    }
  }
  await refuseChanged(source);
  return found;
}
