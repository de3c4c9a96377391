/**
 * Builds the service from its configuration; the only place that knows all parts.
 */
import type { Config, ConfigError, DamoovAccess } from '../config/config.ts';
import { version } from '../config/package-version.ts';
import type { Log } from '../ops/log.ts';
import { every } from '../redis/every.ts';
import { fingerprintsOf } from './circuit-fingerprints.ts';
import { startEmbeddedDefaults } from './embedded-defaults.ts';
import { type FleetClient, openFleetClient } from './fleet-client.ts';
import { type AppContext, type Timings, createAppContext } from './app-context.ts';
import { openHealth } from './open-health.ts';
import { type Circuits, type Queues, type Redis, openCircuits, openQueues, openRedis } from './open-redis.ts';
import { openWorker } from './open-worker.ts';
import { type SharedSettings, createSharedSettings, instancesOf } from './user-id-settings.ts';

export type { Timings } from './app-context.ts';

export interface App {
  /** The address of `/livez`, `/readyz`, `/metrics` and, if it is configured, `/dashboard`. */
  readonly url: string;
  /** Stops fetching jobs, finishes or returns the active ones, and closes everything. Always resolves. */
  close(): Promise<void>;
  /** Resolves if the configuration forces the service to stop. */
  readonly broken: Promise<ConfigError>;
}

export interface AppOptions {
  /** Whether this configuration's UserId settings replace the fleet's. Default false. */
  replacesUserIdSettings?: boolean | undefined;
}

/** The parts that other parts need. */
export interface Parts {
  damoov: DamoovAccess;
  redis: Redis;
  fleet: FleetClient;
  queues: Queues;
  circuits: Circuits;
  settings: SharedSettings;
}

/**
 * Starts the service, with embedded defaults if needed. Closing runs in reverse order, from the timers to Redis.
 * @throws ConfigError if the fleet has other UserId settings.
 */
export async function startApp(
  config: Config,
  log: Log,
  timings: Partial<Timings> = {},
  { replacesUserIdSettings = false }: AppOptions = {},
): Promise<App> {
  const context = createAppContext(config, log, timings);
  try {
    const telemetry = await openTracing(context);
    const { target, damoov } = await startEmbeddedDefaults(config, log, context.closing);
    const redis = openRedis(context, target);
    // Together: each derives a key, which takes a tenth of a second on a core of its own.
    const [fleet, settings] = await Promise.all([
      openFleet(context, redis, damoov),
      createSharedSettings(context, redis, damoov),
    ]);
    const queues = openQueues(context, redis, telemetry);
    const circuits = openCircuits(context, queues, settings, fingerprintsOf(damoov, fleet.fingerprint));
    const parts = { damoov, redis, fleet, queues, circuits, settings };
    // Before the first job: if the port is taken, nothing has been sent yet.
    const { url } = await openHealth(context, parts);
    const agreed = settings.agree(replacesUserIdSettings);
    // Without Redis there are no settings to compare and no jobs to take; the signal to stop must not wait for it.
    await Promise.race([agreed, redis.isAway]);
    openWorker(context, parts, { telemetry, startsAfter: agreed });
    startTimers(context, parts);

    const { jobs: queue, events } = config.queues;
    const instances = [...instancesOf(damoov, config.userId.secret).keys()];
    context.emit({ is: 'started', queue, events, instances, url });
    return { url, close: () => context.close(), broken: settings.broken };
  } catch (error) {
    await context.close();
    throw error;
  }
}

/** Loaded only if a receiver is configured, so that it costs nothing otherwise. */
async function openTracing({ config: { tracing: settings }, timings, emit, listen, closing }: AppContext) {
  if (settings === undefined) return undefined;
  const { startTracing } = await import('../ops/tracing.ts');
  const tracing = startTracing({ ...settings, version, gatherMs: timings.gatherMs, emit });
  listen((notification) => tracing.note(notification));
  closing.push(() => tracing.close());
  return tracing.telemetry;
}

async function openFleet(
  context: AppContext,
  { connection }: Redis,
  damoov: DamoovAccess,
): Promise<FleetClient> {
  const { config, timings, timeoutMs, emit, closing } = context;
  const fleet = await openFleetClient(config, damoov, {
    connection,
    timeoutMs,
    now: timings.now,
    onRevoked: (withinHour) => emit({ is: 'session-revoked', withinHour }),
    onLowered: (state) => emit({ is: 'rate-lowered', ...state }),
    onArrival: (request) => emit({ is: 'request-ended', request }),
  });
  closing.push(() => fleet.client.close());
  return fleet;
}

function startTimers({ timings: { wakeHeldMs, compareMs }, closing }: AppContext, parts: Parts): void {
  const { circuits, fleet, settings } = parts;
  const stops = [
    every(() => circuits.circuits.wakeHeld(), wakeHeldMs),
    every(async () => fleet.logins?.restore(), wakeHeldMs),
    // Restores lost settings, and stops workers whose settings were replaced on purpose.
    every(() => settings.compare(), compareMs),
  ];
  closing.push(async () => stops.forEach((stop) => stop()));
}
