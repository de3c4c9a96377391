/**
 * `damoov-users user`: the story of one user: its record, its jobs and what they wait for, its deletion, and what Damoov says.
 */
import { openFleetClient } from '../../app/fleet-client.ts';
import { instancesOf } from '../../app/user-id-settings.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import type { Config, DamoovAccess } from '../../config/config.ts';
import { type WholeStory, isHeardOf, readWholeStory } from '../../ops/story/whole-story.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/credentials.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance } from '../common/known-instance.ts';
import { UsageError } from '../common/usage-error.ts';
import { type UserOptions, named } from '../common/with-deletions.ts';
import { withRedis } from '../common/with-redis.ts';
import { outputOf } from '../terminal/output.ts';
import { type FoundUser, userJson, userText } from './report.ts';

export interface ShowUserOptions extends UserOptions {
  damoov?: boolean;
  json?: boolean;
}

/** Without an instance it looks in all of them. False if nothing is known of the user. */
export async function showUser(
  argument: string | undefined,
  options: ShowUserOptions,
  context: CommandContext,
): Promise<boolean> {
  const user = userIn(argument, options);
  return withRedis(context, async (connection, config) => {
    checkInstance(options.instance, config);
    const out = outputOf(context.stdout);
    const all = await tell(user, connection, config);
    const known = all.filter(isHeardOf);
    for (const story of known.length > 0 ? known : all.slice(0, 1)) {
      const atDamoov = options.damoov === true ? await ask(user, story, connection, config) : undefined;
      await out.line(options.json === true ? userJson(story, atDamoov) : userText(story, atDamoov));
    }
    if (known.length === 0 && all.length > 1 && options.json !== true)
      await out.line(`looked in all instances: ${all.map(({ user }) => user.instance).join(', ')}`);
    return known.length > 0;
  });
}

function userIn(argument: string | undefined, options: ShowUserOptions): UserOptions {
  if (argument !== undefined && options.clientId !== undefined)
    throw new UsageError('--client-id: is given twice');
  const user = named({ ...options, ...(argument !== undefined && { clientId: argument }) });
  return { ...user, ...(user.userId !== undefined && { userId: user.userId.toLowerCase() }) };
}

/** One story for each instance in which the user may be. */
async function tell(user: UserOptions, connection: RedisConnection, config: Config): Promise<WholeStory[]> {
  const { prefix, jobs: name } = config.queues;
  const jobs = openQueue(name, { connection, prefix });
  const all = [...instancesOf(accessOf(config), config.userId.secret)].toSorted(
    ([one], [other]) => Number(other === 'default') - Number(one === 'default'),
  );
  const named = all.filter(([place]) => user.instance === undefined || place === user.instance);
  // What is known under a UserId is the same in every instance.
  const places = user.userId === undefined ? named : named.slice(0, 1);
  return Promise.all(
    places.map(([place, instance]) =>
      readWholeStory({ jobs, prefix, instance }, { ...user, instance: place }),
    ),
  );
}

/** The embedded sandbox belongs to the worker: from here its users cannot be read, only their records. */
function accessOf({ damoov }: Config): Pick<DamoovAccess, 'instances'> {
  const { instanceId: id, instanceKey: key } = SANDBOX_CREDENTIALS;
  return damoov === 'sandbox' ? { instances: { default: { id, key } } } : damoov;
}

/** What Damoov shows: the recorded user, else everybody with the clientId. */
async function ask(
  { clientId, userId }: UserOptions,
  { story }: WholeStory,
  connection: RedisConnection,
  config: Config,
): Promise<FoundUser[]> {
  const { damoov, timeoutMs } = config;
  if (damoov === 'sandbox' || damoov.admin === undefined)
    throw new UsageError('--damoov: needs DAMOOV_ADMIN_EMAIL, and a Damoov or sandbox of its own');
  const { client } = await openFleetClient(config, damoov, { connection, timeoutMs });
  try {
    const known = userId ?? story?.record.userId;
    const options = { includeInactive: true, includeAccountInfo: true };
    const byId = known === undefined ? [] : await client.findUsers({ deviceToken: known, ...options });
    const byName = clientId === undefined ? [] : await client.findUsers({ clientId, ...options });
    const names = new Map(Object.entries(damoov.instances).map(([name, { id }]) => [id.toLowerCase(), name]));
    const found = new Map([...byId, ...byName].map((user) => [user.userId, user]));
    return [...found.values()].map(({ userId, clientId, instanceId = '', status }) => ({
      userId,
      clientId,
      instance: names.get(instanceId) ?? instanceId,
      status,
    }));
  } finally {
    await client.close();
  }
}
