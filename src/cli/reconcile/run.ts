/**
 * `damoov-users reconcile`: compares a list of users with Damoov and, if requested, adds the jobs that repair the differences. Prints the
 * counts first, and adds nothing without confirmation.
 */
import { openFleetClient } from '../../app/fleet-client.ts';
import { UserJobs } from '../../client/user-jobs.ts';
import type { Config, DamoovAccess } from '../../config/config.ts';
import type { InstanceCredentials } from '../../config/instances-file.ts';
import { findDifferences } from '../../reconcile/differences.ts';
import { retryingReads } from '../../reconcile/retrying-reads.ts';
import { type UnwantedUsers, createUnwantedUsers } from '../../reconcile/unwanted-users.ts';
import { type RedisConnection, type RedisTarget, RedisAwayError } from '../../redis/connection.ts';
import { createDeletions } from '../../store/deletions/deletions.ts';
import type { ListOptions } from '../import/source.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance, knownInstances } from '../common/known-instance.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';
import { outputOf } from '../terminal/output.ts';
import { type Progress, createProgress } from '../terminal/progress.ts';
import { type Added, addedText, apply } from './apply.ts';
import { type List, readList } from './list.ts';
import { checkDeletions } from './orphan-guard.ts';
import { type Report, createReport, differencesIn, leftText } from './report.ts';

export interface ReconcileOptions extends ListOptions {
  apply?: boolean;
  emptyClears?: boolean;
  instance?: string;
  deleteOrphans?: boolean;
  /** Orphans are deleted if they were created this long before the list was made, in milliseconds. */
  olderThan: number;
  /** The allowed number, whatever the number of users at Damoov. */
  maxDeletions?: number;
  /** Time until deletions are due, in milliseconds. */
  in: number;
  yes?: boolean;
  show: number;
  pageSize: number;
  json?: boolean;
}

interface Comparing {
  options: ReconcileOptions;
  config: Config;
  connection: RedisConnection;
  target: RedisTarget;
  context: CommandContext;
  chosen: ChosenInstance;
  list: List;
  report: Report;
  unwanted: UnwantedUsers;
  progress: Progress;
}

/** How long adding one job may take, in milliseconds: no caller waits for a single one. */
const ADD_MS = 10_000;

/** Whether the list and Damoov match, or will once the added jobs are done. */
export async function reconcile(
  file: string,
  options: ReconcileOptions,
  context: CommandContext,
): Promise<boolean> {
  refuseUnusedOptions(options);
  return withRedis(context, async (connection, config, target) => {
    const chosen = requireInstance(config, options);
    const instances = knownInstances(config);
    const list = await readList(file, context.stdin, { ...options, instance: chosen.name, instances });
    const progress = createProgress(context.stderr);
    for (const warning of list.warnings) progress.say(`warning: ${warning}`);
    const unwanted = createUnwantedUsers(orphansBefore(list, options));
    const { show, json: isJson = false } = options;
    const counts = { listed: list.users.size, otherInstances: list.elsewhere.length };
    const report = createReport(counts, { isJson, show }, outputOf(context.stdout));
    const shared = { list, report, unwanted, progress };
    return run({ options, config, connection, target, context, chosen, ...shared });
  });
}

async function run(comparing: Comparing): Promise<boolean> {
  const { options, report, unwanted } = comparing;
  await compare(comparing);
  if (options.apply !== true) {
    await report.end();
    return differencesIn(report.counts) === 0;
  }
  checkDeletions(unwanted.users.length, report.counts, options.maxDeletions);
  const added = await addRepairs(comparing);
  const { left } = unwanted;
  await report.end({
    text: [`${addedText(added)} added`, ...leftText(left)].join('\n'),
    json: { added, left },
  });
  return Object.values(left).every((count) => count === 0);
}

/** Options without an effect are probably a mistake. */
function refuseUnusedOptions(options: ReconcileOptions): void {
  const { apply, deleteOrphans, maxDeletions, yes } = options;
  if (apply === true) return;
  const idle = [
    deleteOrphans === true && '--delete-orphans',
    maxDeletions !== undefined && '--max-deletions',
    yes === true && '--yes',
  ].filter((name) => name !== false);
  if (idle.length > 0) throw new UsageError(`${idle.join(', ')}: only with --apply`);
}

interface ChosenInstance {
  name: string;
  instance: InstanceCredentials;
  access: DamoovAccess;
}

function requireInstance(config: Config, options: ReconcileOptions): ChosenInstance {
  const { damoov } = config;
  const { instance: name = 'default' } = options;
  if (damoov === 'sandbox') {
    throw new UsageError(
      'DAMOOV_INSTANCE_ID, DAMOOV_INSTANCE_KEY, DAMOOV_ADMIN_EMAIL, DAMOOV_ADMIN_PASSWORD: must be set, because the list is compared with ' +
        'the users at Damoov. docs/guides/sandbox.md has the values for a sandbox',
    );
  }
  checkInstance(options.instance, config);
  const instance = damoov.instances[name];
  if (instance === undefined)
    throw new UsageError('--instance: is needed, because no instance is called default');
  if (damoov.admin === undefined) {
    throw new UsageError('DAMOOV_ADMIN_EMAIL: is needed, because only an admin may read users');
  }
  return { name, instance, access: damoov };
}

/** Undefined: none are deleted. @throws UsageError if the list would delete too many. */
function orphansBefore(
  { madeAt, users, doubts }: List,
  { deleteOrphans = false, olderThan }: ReconcileOptions,
): number | undefined {
  if (!deleteOrphans) return undefined;
  if (users.size === 0) {
    throw new UsageError('--delete-orphans: the list has no users, so every user would be deleted');
  }
  if (doubts.length > 0) {
    const why =
      'the list may mean users whose ids it does not have, and they would be deleted. Correct it first:';
    throw new UsageError([`--delete-orphans: ${why}`, ...doubts].join('\n'));
  }
  return madeAt - olderThan;
}

async function compare({ list, report, unwanted, chosen, progress, ...comparing }: Comparing): Promise<void> {
  const { connection, config, options } = comparing;
  const { timeoutMs } = config;
  const { client } = await openFleetClient(config, chosen.access, { connection, timeoutMs });
  try {
    const differences = findDifferences({
      client: retryingReads(client, pauseWith(connection, comparing.context)),
      instance: chosen.instance,
      list: list.users,
      elsewhere: list.elsewhere,
      listedAt: list.madeAt,
      pageSize: options.pageSize,
      onProgress({ seen, total, step }) {
        if (step === 'reading') report.counts.atDamoov = total;
        if (seen === 0) progress.start(step, 'user', total);
        else progress.show(seen);
      },
    });
    for await (const difference of differences) {
      await report.take(difference);
      unwanted.take(difference);
    }
  } finally {
    progress.end();
    await client.close();
  }
}

/** Without Redis the fleet's rate sends nothing: a waiting run must not wait for ever. */
function pauseWith(connection: RedisConnection, { clock }: CommandContext): (ms: number) => Promise<void> {
  return async (ms) => {
    await clock.pause(ms);
    if (connection.status !== 'ready') throw new RedisAwayError('the connection was lost');
  };
}

async function addRepairs({
  list,
  report,
  unwanted,
  chosen,
  progress,
  ...comparing
}: Comparing): Promise<Added> {
  const { config, connection, target, context, options } = comparing;
  const { prefix, jobs: name } = config.queues;
  const jobs = new UserJobs({
    redis: target,
    prefix,
    queue: name,
    failAfterMs: ADD_MS,
  });
  try {
    return await apply({
      jobs,
      deletions: createDeletions({ jobs: openQueue(name, { connection, prefix }), prefix }),
      repairs: { list: list.users, instance: chosen.name, listedAt: list.madeAt },
      counts: report.counts,
      unwanted,
      dueInMs: options.in,
      isConfirmed: options.yes ?? false,
      progress,
      context,
    });
  } finally {
    await jobs.close();
  }
}
