/**
 * `damoov-users status`: prints the state of the fleet, once or live.
 */
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAddedAt } from '../../bullmq/imports.ts';
import type { Config } from '../../config/config.ts';
import { fingerprintsOf } from '../../app/circuit-fingerprints.ts';
import { type FleetStatus, createFleetStatus } from '../../ops/fleet-status.ts';
import { type RedisConnection, isLostConnection, placeOf } from '../../redis/connection.ts';
import { DELETION_LIMIT } from '../../store/circuits/deletion-limit.ts';
import { createCircuitReader, circuitsAt } from '../../store/circuits/circuit-state.ts';
import { readOutcomes } from '../../store/users/outcome-counts.ts';
import { brokenKeysOf } from '../../bullmq/queue-keys.ts';
import { createFleetRate } from '../../store/rate/fleet-rate.ts';
import { createDueCounts } from '../../store/deletions/due-counts.ts';
import { deriveAdminKey } from '../../store/session/admin-key.ts';
import { createLoginBudget } from '../../store/session/login-budget.ts';
import { refusalToWrite } from '../../redis/refusal.ts';
import type { CommandContext } from '../common/command-context.ts';
import { outputOf } from '../terminal/output.ts';
import { statusJson, statusText } from './report.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { withRedis } from '../common/with-redis.ts';

export interface StatusOptions {
  watch?: boolean;
  every: number;
  json?: boolean;
  /** Default: the one of the configuration. */
  prefix?: string[];
}

/** Moves the cursor to the top and clears the terminal: each output replaces the previous one. */
const REDRAW = '\u001B[H\u001B[J';

export async function status(options: StatusOptions, context: CommandContext): Promise<void> {
  const { watch = false, json = false, every } = options;
  const { stdout } = context;
  const out = outputOf(stdout);
  await withRedis(context, async (connection, config, target) => {
    const read = await createFleetsReader(connection, config, options, stdout);
    if (!watch) {
      const { text, faults } = await read();
      if (text !== '') await out.line(text);
      if (faults.length > 0) throw errorOf(faults);
      return;
    }
    const redraws = !json && stdout.isTTY === true;
    const stopping = new AbortController();
    const stopped = untilStopped(context).then(() => stopping.abort());
    while (!stopping.signal.aborted) {
      const { text, faults } = await read();
      const shown =
        text === ''
          ? away(errorOf(faults), placeOf(target), json)
          : [text, ...faults.map((fault) => faultText(fault, json))].join(json ? '\n' : '\n\n');
      if (!(await out.line(`${redraws ? REDRAW : ''}${shown}${json || redraws ? '' : '\n'}`))) return;
      await Promise.race([sleep(every, undefined, { signal: stopping.signal }).catch(() => {}), stopped]);
    }
  });
}

/** A watching operator wants to see Redis come back, too. */
function away(error: unknown, place: string, isJson: boolean): string {
  if (!isLostConnection(error)) throw error;
  const at = new Date().toISOString();
  return isJson
    ? JSON.stringify({ at, redis: 'away', place })
    : `${at}: Redis is away (${place}), trying again`;
}

/** Why a fleet cannot be read. */
interface Fault {
  prefix: string;
  error: unknown;
}

function faultText({ prefix, error }: Fault, isJson: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  return isJson ? JSON.stringify({ prefix, fault: message }) : `prefix ${prefix} cannot be read: ${message}`;
}

/** One error for all: of several fleets each is named. */
function errorOf(faults: readonly Fault[]): unknown {
  const lost = faults.find(({ error }) => isLostConnection(error));
  if (lost !== undefined) return lost.error;
  return new Error(faults.map((fault) => faultText(fault, false)).join('\n'));
}

/** Reads every fleet. One that cannot be read does not hide the others. */
async function createFleetsReader(
  connection: RedisConnection,
  config: Config,
  { prefix: named, json }: StatusOptions,
  stream: Writable,
): Promise<() => Promise<{ text: string; faults: Fault[] }>> {
  const prefixes = [...new Set(named ?? [config.queues.prefix])];
  const isSandbox = config.damoov === 'sandbox';
  const readers = await Promise.all(
    prefixes.map(async (prefix) => {
      const read = await createReader(connection, { ...config, queues: { ...config.queues, prefix } });
      const title = prefixes.length > 1 ? prefix : undefined;
      return async () => {
        const fleet = await read(named !== undefined);
        return json === true
          ? statusJson({ prefix, ...fleet })
          : statusText(fleet, { isSandbox, stream, title });
      };
    }),
  );
  return async () => {
    const results = await Promise.allSettled(readers.map(async (read) => read()));
    const texts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const faults = results.flatMap((result, at) =>
      result.status === 'rejected' ? [{ prefix: prefixes[at] ?? '', error: result.reason as unknown }] : [],
    );
    return { text: texts.join(json === true ? '\n' : '\n\n'), faults };
  };
}

async function createReader(
  connection: RedisConnection,
  config: Config,
): Promise<(mustExist: boolean) => Promise<FleetStatus>> {
  const { prefix, jobs: name, events } = config.queues;
  const queueOf = (queue: string) => openQueue(queue, { connection, prefix });
  const jobs = queueOf(name);
  const admin = await deriveAdmin(config);
  // An embedded sandbox belongs to the worker: its circuits are not visible here, only the jobs held by them.
  const fingerprints =
    config.damoov === 'sandbox'
      ? new Map([DELETION_LIMIT])
      : fingerprintsOf(config.damoov, admin && admin.fingerprint);
  const budget =
    admin && createLoginBudget({ connection, prefix, ...admin, loginsPerHour: config.loginsPerHour });
  const rate = createFleetRate({ connection, prefix, maxRps: config.maxRps });
  const eventsQueues = events.map(queueOf);
  const readFleet = createFleetStatus({
    refusal: () => refusalToWrite(connection, prefix),
    jobs,
    addedAt: createAddedAt(connection, prefix),
    events: eventsQueues,
    circuitNames: [...fingerprints.keys()],
    circuitOf: createCircuitReader(jobs, circuitsAt(prefix, fingerprints)),
    outcomes: () => readOutcomes(connection, prefix),
    logins: budget && (() => budget.state()),
    deletions: createDueCounts({ jobs, prefix }).pending,
    async rate() {
      const { ratePerS, pausedForMs } = await rate.look();
      return {
        ...(ratePerS !== undefined && { ratePerS }),
        ...(pausedForMs > 0 && { pausedUntil: Date.now() + pausedForMs }),
      };
    },
  });
  return async (mustExist) => {
    if (mustExist && (await jobs.getVersion()) === null)
      throw new Error(
        `no worker or producer has used the queue ${name} under the prefix ${prefix}: check --prefix`,
      );
    // A broken queue cannot be counted.
    const broken = await brokenKeysOf(connection, [jobs, ...eventsQueues]);
    if (broken.length > 0) throw new Error(broken.map(({ fault, todo }) => `${fault}\n${todo}`).join('\n'));
    return readFleet();
  };
}

async function deriveAdmin({ damoov, keyWork }: Config) {
  if (damoov === 'sandbox' || damoov.admin === undefined) return undefined;
  return deriveAdminKey({ ...damoov.admin, baseUrl: damoov.baseUrl }, keyWork);
}
