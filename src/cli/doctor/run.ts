/**
 * `damoov-users doctor`: checks everything that the product needs, and prints each finding with a remedy.
 */
import type { Config, DamoovAccess } from '../../config/config.ts';
import { DamoovClient } from '../../damoov/client.ts';
import type { Finding } from '../../tools/doctor/finding.ts';
import {
  checkAdmin,
  checkInstanceKey,
  checkRevocations,
  checkDamoovAnswers,
} from '../../tools/doctor/check-damoov.ts';
import { checkFacts } from '../../tools/doctor/check-facts.ts';
import { checkRedis } from '../../tools/doctor/check-redis.ts';
import { checkUserIds } from '../../tools/doctor/check-user-ids.ts';
import { openFleetClient } from '../../app/fleet-client.ts';
import { fingerprintsOf } from '../../app/circuit-fingerprints.ts';
import { createAgreedSettings } from '../../store/settings/agreed-settings.ts';
import { type RedisConnection, RedisAwayError } from '../../redis/connection.ts';
import { createCircuitReader, circuitsAt } from '../../store/circuits/circuit-state.ts';
import { prefixWarning } from '../../redis/options.ts';
import { brokenKeysOf } from '../../bullmq/queue-keys.ts';
import { hasReader } from '../../bullmq/has-consumer.ts';
import { userIdSettingsOf } from '../../app/user-id-settings.ts';
import type { CommandContext } from '../common/command-context.ts';
import { FACTS_FILE, readFactsFile } from '../common/facts-file.ts';
import { outputOf } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { UsageError } from '../common/usage-error.ts';
import { withRedis } from '../common/with-redis.ts';

export interface DoctorOptions {
  facts?: string;
  login?: boolean;
  json?: boolean;
}

/** False if anything fails. */
export async function doctor(
  { facts: file, login = false, json = false }: DoctorOptions,
  context: CommandContext,
): Promise<boolean> {
  const config = await context.loadConfig();
  const facts = readFactsFile(file ?? FACTS_FILE);
  if (file !== undefined && facts === undefined) throw new UsageError(`--facts: there is no ${file}`);
  const findings = [...(await checkAll(config, login, context)), ...checkFacts(facts, config, Date.now())];
  const isWell = findings.every(({ is }) => is !== 'fail');
  const out = outputOf(context.stdout);
  if (json) await out.line(JSON.stringify({ ok: isWell, findings }));
  else for (const finding of findings) await out.line(text(finding));
  return isWell;
}

/** Redis first: if it is away, only Damoov's presence is checked. */
async function checkAll(config: Config, mayLogIn: boolean, context: CommandContext): Promise<Finding[]> {
  try {
    return await withRedis(context, async (connection) => [
      ...(config.redis === 'embedded' ? [EMBEDDED_USED] : []),
      ...checkPrefix(config.queues.prefix),
      ...(await checkRedis(connection, config.queues.prefix, Date.now)),
      ...(await checkQueues(connection, config)),
      ...(config.damoov === 'sandbox'
        ? [SANDBOX_USED]
        : await checkDamoov({ connection, config, access: config.damoov, mayLogIn })),
    ]);
  } catch (error) {
    if (!(error instanceof RedisAwayError)) throw error;
    const todo = error.isRefusal ? TODO_REFUSED : TODO_AWAY;
    const away: Finding = { check: 'redis', is: 'fail', seen: error.message, todo };
    return [
      away,
      ...(config.damoov === 'sandbox'
        ? [SANDBOX_USED]
        : await checkDamoovWithoutRedis(config.damoov, config)),
    ];
  }
}

function checkPrefix(prefix: string): Finding[] {
  const seen = prefixWarning('QUEUE_PREFIX', prefix);
  if (seen === undefined) return [];
  return [
    {
      check: 'QUEUE_PREFIX',
      is: 'warn',
      seen,
      todo: 'put the name in braces, in every service that uses it',
    },
  ];
}

const TODO_AWAY = 'start Redis again, or correct its address';
const TODO_REFUSED =
  'correct the user or the password, or the database: in REDIS_URL, or REDIS_USERNAME and REDIS_PASSWORD';

const EMBEDDED_USED: Finding = {
  check: 'REDIS_URL',
  is: 'warn',
  seen: 'not set: an embedded Redis with its data in this directory is used',
  todo: 'set REDIS_URL to a Redis that workers and producers share',
};

const SANDBOX_USED: Finding = {
  check: 'damoov',
  is: 'warn',
  seen: 'none is configured: the worker simulates one',
  todo: 'set DAMOOV_INSTANCE_ID and DAMOOV_INSTANCE_KEY',
};

/** One line for all queues, or one for each broken key. */
async function checkQueues(connection: RedisConnection, { queues }: Config): Promise<Finding[]> {
  const names = [queues.jobs, ...queues.events];
  const opened = names.map((name) => openQueue(name, { connection, prefix: queues.prefix }));
  const broken = await brokenKeysOf(connection, opened);
  if (broken.length === 0) {
    return [
      { check: 'queues', is: 'ok', seen: names.join(', ') },
      ...(await checkEvents(connection, queues)),
    ];
  }
  return broken.map(({ fault, todo }) => ({ check: 'queues', is: 'fail', seen: fault, todo }));
}

/** Unread events stay in Redis as long as it has room. */
async function checkEvents(
  connection: RedisConnection,
  { prefix, events }: Config['queues'],
): Promise<Finding[]> {
  const check = 'events';
  if (events.length === 0) return [{ check, is: 'ok', seen: 'none are published (EVENTS_QUEUES=none)' }];
  return Promise.all(
    events.map(async (name): Promise<Finding> => {
      const queue = openQueue(name, { connection, prefix });
      const [isRead, waiting] = await Promise.all([
        hasReader(queue),
        queue.getJobCountByTypes('waiting', 'prioritized', 'delayed'),
      ]);
      if (isRead === undefined) {
        const seen = `${name}: whether a worker reads it is unknown, because this user may not list connections`;
        return { check, is: 'warn', seen, todo: 'check in `status` whether its events pile up' };
      }
      if (isRead) return { check, is: 'ok', seen: `${name}: is read` };
      const seen = `${name}: no worker reads it, and ${counted(waiting, 'event waits', 'events wait')}`;
      const todo =
        'start its subscriber (one that is not a Node process is seen only while it takes events), or remove the queue from EVENTS_QUEUES (none: no events)';
      return { check, is: 'warn', seen, todo };
    }),
  );
}

interface DamoovCheck {
  connection: RedisConnection;
  config: Config;
  access: DamoovAccess;
  mayLogIn: boolean;
}

async function checkDamoov({ connection, config, access, mayLogIn }: DamoovCheck): Promise<Finding[]> {
  const { prefix, jobs: name } = config.queues;
  const { timeoutMs } = config;
  const mostLogins = mayLogIn ? 1 : 0;
  const { client, logins, fingerprint } = await openFleetClient(config, access, {
    connection,
    timeoutMs,
    mostLogins,
  });
  const jobs = openQueue(name, { connection, prefix });
  const circuitOf = createCircuitReader(jobs, circuitsAt(prefix, fingerprintsOf(access, fingerprint)));
  const userIds = await checkUserIds(
    createAgreedSettings(connection, prefix),
    await userIdSettingsOf(config, access),
  );
  try {
    const answers = [...userIds, ...(await checkDamoovAnswers(client, access.baseUrl, Date.now))];
    // If Damoov does not answer, further requests are useless.
    if (answers.some(({ check, is }) => check === 'damoov' && is === 'fail')) return answers;
    const admin = { logins: await logins?.state(), circuit: await circuitOf('admin'), mayLogIn };
    const findings = [...answers, await checkAdmin(client, admin, Date.now)];
    // After the requests: they may have met the latest one.
    if (logins !== undefined) findings.push(checkRevocations(await logins.state()));
    for (const instance of Object.keys(access.instances)) {
      findings.push(checkInstanceKey(instance, await circuitOf(`instance-key:${instance}`)));
    }
    return findings;
  } finally {
    await client.close();
  }
}

/** Without Redis, which stores session, budget and circuits. */
async function checkDamoovWithoutRedis({ baseUrl }: DamoovAccess, { timeoutMs }: Config): Promise<Finding[]> {
  const client = new DamoovClient({ baseUrl, timeoutMs });
  try {
    return await checkDamoovAnswers(client, baseUrl, Date.now);
  } finally {
    await client.close();
  }
}

function text({ check, is, seen, todo }: Finding): string {
  const line = `${is.padEnd(4)}  ${check.padEnd(23)}  ${seen}`;
  return todo === undefined || is === 'ok' ? line : `${line}\n      → ${todo}`;
}
