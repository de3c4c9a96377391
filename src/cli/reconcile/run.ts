/**
 * `damoov-users reconcile`: in what a list of users and Damoov differ, and, where that is wanted, the jobs that mend it. Tells
 * the counts first, and adds nothing that nobody has confirmed.
 */
import { openQueue } from '../../bullmq/open-queue.ts';
import type { Config, DamoovAccess } from '../../config/config.ts';
import { durationText } from '../../contract/duration.ts';
import { openFleetClient } from '../../app/fleet-client.ts';
import type { InstanceCredentials } from '../../config/instances-file.ts';
import { UserJobs } from '../../client/user-jobs.ts';
import { findDifferences } from '../../reconcile/differences.ts';
import { patiently } from '../../reconcile/patiently.ts';
import { type Keeper, type UnwantedUsers, createUnwantedUsers } from '../../reconcile/unwanted-users.ts';
import { type RedisConnection, type RedisTarget, RedisAwayError } from '../../redis/connection.ts';
import { createDeletions } from '../../store/deletions/deletions.ts';
import type { CommandContext } from '../shared/command-context.ts';
import { checkInstance, knownInstances } from '../shared/known-instance.ts';
import type { ListOptions } from '../import/read-as.ts';
import { type Progress, createProgress } from '../terminal/progress.ts';
import { type Added, addedText, apply } from './apply.ts';
import { checkDeletions } from './orphan-guard.ts';
import { type List, openList } from './list.ts';
import { differencesIn, leftText, noCounts } from './report.ts';
import { type DifferenceSink, openSink } from './sink.ts';
import { UsageError } from '../shared/usage-error.ts';
import { withRedis } from '../shared/with-redis.ts';

export interface ReconcileOptions extends ListOptions {
  plan?: boolean;
  apply?: boolean;
  emptyClears?: boolean;
  instance?: string;
  deleteOrphans?: boolean;
  /** Orphans are deleted that were created so many milliseconds before the list was made. */
  olderThan: number;
  deleteLookalikes?: boolean;
  deleteDuplicates?: Keeper;
  /** However many there are at Damoov. */
  maxDeletions?: number;
  /** Until deletions are due, in milliseconds. */
  in: number;
  yes?: boolean;
  show: number;
  pageSize: number;
  report?: string;
  json?: boolean;
}

/** What one run works with. */
interface Desk {
  options: ReconcileOptions;
  config: Config;
  connection: RedisConnection;
  target: RedisTarget;
  context: CommandContext;
  place: Place;
  list: List;
  sink: DifferenceSink;
  unwanted: UnwantedUsers;
  progress: Progress;
}

/** How long one job may take to be added, in milliseconds: nobody waits for a single one. */
const ADD_MS = 10_000;

/** Whether the list and Damoov agree, or will once the jobs that were added are done. */
export async function reconcile(
  file: string,
  options: ReconcileOptions,
  context: CommandContext,
): Promise<boolean> {
  refuseIdle(options);
  return withRedis(context, async (connection, config, target) => {
    const place = placeOf(config, options);
    const instances = knownInstances(config);
    const list = await openList(file, context.stdin, { ...options, instance: place.name, instances });
    try {
      const progress = createProgress(context.stderr);
      for (const warning of list.warnings) progress.say(`warning: ${warning}`);
      const unwanted = unwantedOf(place, list, config, options);
      const { index, otherInstances, identity } = list;
      const counts = noCounts({ listed: index.size, otherInstances });
      const sink = await openSink({ ...options, list: identity }, counts, context.stdout);
      const shared = { list, sink, unwanted, progress };
      try {
        return await run({ options, config, connection, target, context, place, ...shared });
      } finally {
        await sink.close();
      }
    } finally {
      await list.close();
    }
  });
}

async function run(desk: Desk): Promise<boolean> {
  const { options, sink, unwanted } = desk;
  await compare(desk);
  if (options.apply !== true) {
    await sink.end();
    return differencesIn(sink.counts) === 0;
  }
  checkDeletions(unwanted.users.length, sink.counts, options.maxDeletions);
  const added = await applyTo(desk);
  const { left } = unwanted;
  await sink.end({
    text: [`${addedText(added)} added`, ...leftText(left)].join('\n'),
    json: { added, left },
  });
  return Object.values(left).every((count) => count === 0);
}

/** What would not be heeded is not meant. */
function refuseIdle(options: ReconcileOptions): void {
  const { apply, deleteOrphans, deleteLookalikes, deleteDuplicates, maxDeletions, yes } = options;
  if (deleteLookalikes === true && deleteOrphans !== true) {
    throw new UsageError('--delete-lookalikes: only with --delete-orphans');
  }
  if (apply === true) return;
  const idle = [
    deleteOrphans === true && '--delete-orphans',
    deleteDuplicates !== undefined && '--delete-duplicates',
    maxDeletions !== undefined && '--max-deletions',
    yes === true && '--yes',
  ].filter((name) => name !== false);
  if (idle.length > 0) throw new UsageError(`${idle.join(', ')}: only with --apply`);
}

/** Where the users are that the list is about. */
interface Place {
  /** Of the instance, as it is configured. */
  name: string;
  instance: InstanceCredentials;
  access: DamoovAccess;
}

function placeOf(config: Config, options: ReconcileOptions): Place {
  const { damoov } = config;
  const { instance: name = 'default' } = options;
  if (damoov === 'sandbox') {
    throw new UsageError(
      'DAMOOV_INSTANCE_ID, DAMOOV_INSTANCE_KEY, DAMOOV_ADMIN_EMAIL, DAMOOV_ADMIN_PASSWORD: must be set, as the list is compared with what ' +
        'is at Damoov. docs/guides/sandbox.md says what they are for a sandbox',
    );
  }
  checkInstance(options.instance, config);
  const instance = damoov.instances[name];
  if (instance === undefined) throw new UsageError('--instance: is needed, as none is called default');
  if (damoov.admin === undefined) {
    throw new UsageError('DAMOOV_ADMIN_EMAIL: is needed, as only an admin may read users');
  }
  return { name, instance, access: damoov };
}

function unwantedOf(
  { instance: { id, key, userIdSecret } }: Place,
  { madeAt, index, doubts }: List,
  { userId }: Config,
  { deleteOrphans = false, deleteLookalikes = false, olderThan, deleteDuplicates }: ReconcileOptions,
): UnwantedUsers {
  if (deleteOrphans && index.size === 0) {
    throw new UsageError('--delete-orphans: the list has no user, so that everybody would be deleted');
  }
  if (deleteOrphans && doubts.length > 0) {
    const why = 'the list may mean users whose ids it has not, and they would be deleted. Mend it first:';
    throw new UsageError([`--delete-orphans: ${why}`, ...doubts].join('\n'));
  }
  if (deleteDuplicates === 'ours' && userId.mode === 'assigned') {
    throw new UsageError('--delete-duplicates: with DAMOOV_USER_ID=assigned no UserId is ours');
  }
  return createUnwantedUsers({
    orphansBefore: deleteOrphans ? madeAt - olderThan : undefined,
    lookalikes: deleteLookalikes,
    duplicatesBut: deleteDuplicates,
    instance: { id, secret: userIdSecret ?? userId.secret ?? key },
  });
}

async function compare({ list, sink, unwanted, place, progress, ...desk }: Desk): Promise<void> {
  const { connection, config, options } = desk;
  const { timeoutMs } = config;
  const { client } = await openFleetClient(config, place.access, { connection, timeoutMs });
  try {
    const differences = findDifferences({
      client: patiently(client, pauseWith(connection, desk.context)),
      instance: place.instance,
      index: list.index,
      list: list.read,
      elsewhere: list.readElsewhere,
      listedAt: list.madeAt,
      pageSize: options.pageSize,
      onProgress({ seen, total, step }) {
        if (step === 'reading') sink.counts.atDamoov = total;
        if (seen === 0) progress.start(step, 'user', total);
        else progress.show(seen);
      },
    });
    for await (const difference of differences) {
      await sink.take(difference);
      unwanted.take(difference);
    }
  } finally {
    progress.end();
    await client.close();
  }
}

/** Without Redis the fleet's rate lets nothing leave: whoever waits for that should not wait for ever. */
function pauseWith(connection: RedisConnection, { clock }: CommandContext): (ms: number) => Promise<void> {
  return async (ms) => {
    await clock.pause(ms);
    if (connection.status !== 'ready') throw new RedisAwayError('the connection was lost');
  };
}

async function applyTo({ list, sink, unwanted, place, progress, ...desk }: Desk): Promise<Added> {
  const { config, connection, target, context, options } = desk;
  const { prefix, jobs: name } = config.queues;
  const queue = openQueue(name, { connection, prefix });
  const jobs = new UserJobs({
    redis: target,
    prefix,
    queue: name,
    failAfterMs: ADD_MS,
  });
  try {
    return await apply({
      jobs,
      deletions: createDeletions({ jobs: queue, prefix }),
      repairs: { list: list.read, index: list.index, instance: place.name, listedAt: list.madeAt },
      counts: sink.counts,
      unwanted,
      dueInMs: options.in,
      dueInText: durationText(options.in),
      isConfirmed: options.yes ?? false,
      progress,
      context,
    });
  } finally {
    await jobs.close();
  }
}
