/**
 * The only place that reads the environment. Returns a typed configuration, or one message that names every fault by its variable; values
 * are never repeated, since many are secrets.
 */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import {
  type DashboardAccess,
  DASHBOARD_PAIRS,
  dashboardFaults,
  dashboardOf,
} from './dashboard-variables.ts';
import { REDIS_PAIRS, REDIS_PLACES, readTlsFiles, redisFaults, redisTarget } from './redis-variables.ts';
import { secretFaults } from './secrets.ts';
import type { SigningKey } from '../contract/receipt.ts';
import { Environment } from './environment.ts';
import { type InstanceCredentials, readInstancesFile } from './instances-file.ts';
import { errorCode, readNamedFile } from './read-file.ts';
import type { UserIdMode } from '../operations/context.ts';
import { signingKeyIn } from '../receipts/keys.ts';
import type { RedisTarget } from '../redis/connection.ts';
import { prefixWarning } from '../redis/options.ts';
import { SANDBOX_CREDENTIALS } from '../sandbox/credentials.ts';
import type { RetryPolicy } from '../lifecycle/retry-policy.ts';

export interface DamoovAccess {
  baseUrl: string;
  /** By the name that jobs use. */
  instances: Record<string, InstanceCredentials>;
  admin?: { email: string; password: string } | undefined;
}

export interface Config {
  /** `embedded`: none is configured, so the embedded default is used. */
  redis: 'embedded' | RedisTarget;
  /** `events` is empty if no events are published; `audit` gets the actions of operators. */
  queues: { prefix: string; jobs: string; events: string[]; audit?: string | undefined };
  /** `sandbox`: nothing is configured, so the built-in simulator is used. */
  damoov: 'sandbox' | DamoovAccess;
  userId: { mode: UserIdMode; secret?: string | undefined };
  /** The key that signs the receipts of deletions; without it they are not signed. */
  receiptKey?: SigningKey | undefined;
  timeoutMs: number;
  loginsPerHour: number;
  /**
   * Cost of one guess at a secret whose hash is in Redis: scrypt's N. No variable sets it. Default: a tenth of a second. Processes with
   * different values do not recognise each other's hashes.
   */
  keyWork?: number;
  /** The maximum of the whole fleet, in requests a second; undefined: no limit. */
  maxRps?: number | undefined;
  deletionsPerHour: number;
  concurrency: number;
  retry: RetryPolicy;
  http: { host: string; port: number };
  /** Who may see the dashboard, and who may act on it; without it there is no dashboard. */
  dashboard?: DashboardAccess | undefined;
  /** Where alerts are sent; a secret. */
  alertsUrl?: string | undefined;
  logLevel: string;
  /** Receiver of traces over OTLP/HTTP; no traces if absent. `ratio`: the share of the traces that begin here. */
  tracing?:
    { endpoint: string; headers: Record<string, string>; serviceName: string; ratio: number } | undefined;
}

/** The configuration is faulty: `faults` has one line for each, by variable name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults
        .map((fault) => `  - ${fault}`)
        .join('\n')}`,
    );
    this.faults = faults;
  }
}

/** The vendor's documented address. */
const DAMOOV_BASE_URL = 'https://user.telematicssdk.com';

/** Every variable that is read. */
export const VARIABLES: readonly string[] = Object.keys(Environment.shape);

/** Adds the variables of a `.env` file in the working directory, if there is one; a set variable keeps its value. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw new ConfigError([`.env: cannot be read (${errorCode(error)})`]);
  }
}

/**
 * Reads the configuration from environment variables; an empty variable counts as not set.
 * @throws ConfigError with every fault at once.
 */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const set = Object.fromEntries(
    // A secret read from a file often ends in a line break.
    Object.entries(env).flatMap(([name, value]) => {
      const text = value?.trim() ?? '';
      return text === '' ? [] : [[name, text]];
    }),
  );
  const { data: values, error } = Environment.safeParse(set);
  const faults = [
    ...(error?.issues ?? []).map(describe),
    ...misspelt(set),
    ...incompletePairs(set),
    ...redisFaults(set),
    ...dashboardFaults(set),
    ...secretFaults(set),
  ];
  const instances = readInstances(set, faults);
  faults.push(...damoovFaults(set));
  const tls = readTlsFiles(set, faults);
  const receiptKey = readReceiptKey(set['RECEIPT_PRIVATE_KEY_FILE'], faults);
  faults.push(...contradictionsIn(set));
  if (values === undefined || faults.length > 0) throw new ConfigError(faults);
  return {
    redis: redisTarget(values, tls),
    damoov: toDamoovAccess(values, instances),
    receiptKey,
    ...toSettings(values),
  };
}

function toSettings(values: Environment): Omit<Config, 'redis' | 'damoov' | 'receiptKey'> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = values;
  return {
    queues: {
      prefix: values.QUEUE_PREFIX,
      jobs: values.JOBS_QUEUE,
      events: values.EVENTS_QUEUES,
      audit: values.AUDIT_QUEUE,
    },
    userId: { mode: values.DAMOOV_USER_ID, secret: values.DAMOOV_USER_ID_SECRET },
    timeoutMs: values.DAMOOV_TIMEOUT_MS,
    loginsPerHour: values.DAMOOV_LOGINS_PER_HOUR,
    maxRps: values.DAMOOV_MAX_RPS,
    deletionsPerHour: values.DELETIONS_PER_HOUR,
    concurrency: values.WORKER_CONCURRENCY,
    retry: { attempts: values.JOB_ATTEMPTS, baseMs: values.BACKOFF_BASE_MS, maxMs: values.BACKOFF_MAX_MS },
    http: { host: values.HTTP_HOST, port: values.HTTP_PORT },
    dashboard: dashboardOf(values),
    alertsUrl: values.ALERTS_WEBHOOK_URL,
    logLevel: values.LOG_LEVEL,
    tracing:
      endpoint === undefined
        ? undefined
        : {
            endpoint,
            headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
            serviceName: values.OTEL_SERVICE_NAME,
            ratio: values.OTEL_TRACES_SAMPLER_ARG,
          },
  };
}

function toDamoovAccess(
  {
    DAMOOV_BASE_URL: baseUrl = DAMOOV_BASE_URL,
    DAMOOV_ADMIN_EMAIL: email,
    DAMOOV_ADMIN_PASSWORD: password,
  }: Environment,
  instances: Record<string, InstanceCredentials>,
): Config['damoov'] {
  if (Object.keys(instances).length === 0) return 'sandbox';
  const admin = email === undefined || password === undefined ? undefined : { email, password };
  return { baseUrl, instances, admin };
}

type SetVariables = Readonly<Record<string, string>>;

/** Not every unknown name is a mistake: platforms set their own, such as the addresses of services. */
function misspelt(set: SetVariables): string[] {
  return Object.keys(set)
    .filter((name) => !VARIABLES.includes(name))
    .flatMap((name) => {
      const meant = closest(name, VARIABLES);
      return distance(name, meant) <= 2 ? [`${name}: is not known, did you mean ${meant}?`] : [];
    });
}

const PAIRS = [
  ['DAMOOV_INSTANCE_ID', 'DAMOOV_INSTANCE_KEY'],
  ['DAMOOV_ADMIN_EMAIL', 'DAMOOV_ADMIN_PASSWORD'],
  ...REDIS_PAIRS,
  ...DASHBOARD_PAIRS,
] as const;

function incompletePairs(set: SetVariables): string[] {
  return PAIRS.flatMap(([one, other]) => {
    if (one in set === other in set) return [];
    const [missing, given] = one in set ? [other, one] : [one, other];
    return [`${missing}: is required together with ${given}`];
  });
}

const CREDENTIALS = [
  'DAMOOV_INSTANCE_ID',
  'DAMOOV_INSTANCE_KEY',
  'DAMOOV_ADMIN_EMAIL',
  'DAMOOV_ADMIN_PASSWORD',
];

/** Missing variables, and the sandbox's values. */
function damoovFaults(set: SetVariables): string[] {
  const isSet = (name: string) => name in set;
  const faults: string[] = [];
  const claimsInstance = ['DAMOOV_INSTANCE_ID', 'DAMOOV_INSTANCE_KEY', 'DAMOOV_INSTANCES_FILE'].some(isSet);
  if (!claimsInstance) {
    for (const name of ['DAMOOV_BASE_URL', 'DAMOOV_ADMIN_EMAIL'].filter(isSet)) {
      faults.push(`DAMOOV_INSTANCE_ID: is required together with ${name}`);
    }
  }
  if (set['NODE_ENV']?.toLowerCase() === 'production') {
    if (!REDIS_PLACES.some(isSet)) faults.push('REDIS_URL: is required when NODE_ENV=production');
    if (!claimsInstance) {
      faults.push('DAMOOV_INSTANCE_ID, DAMOOV_INSTANCE_KEY: are required when NODE_ENV=production');
    }
  }
  if (URL.parse(set['DAMOOV_BASE_URL'] ?? DAMOOV_BASE_URL)?.hostname.endsWith('.telematicssdk.com')) {
    const published: readonly (string | undefined)[] = Object.values(SANDBOX_CREDENTIALS);
    for (const name of CREDENTIALS.filter((name) => published.includes(set[name]))) {
      // Damoov also counts a refused login, and too many bar the address for an hour.
      faults.push(`${name}: is the sandbox's, which Damoov does not know`);
    }
  }
  return faults;
}

/** Contradictions between variables that are valid by themselves. */
function contradictionsIn(set: SetVariables): string[] {
  const { BACKOFF_BASE_MS, BACKOFF_MAX_MS, JOBS_QUEUE, EVENTS_QUEUES, QUEUE_PREFIX } = Environment.shape;
  const baseMs = BACKOFF_BASE_MS.safeParse(set['BACKOFF_BASE_MS']).data ?? 0;
  const maxMs = BACKOFF_MAX_MS.safeParse(set['BACKOFF_MAX_MS']).data ?? Infinity;
  const jobs = JOBS_QUEUE.safeParse(set['JOBS_QUEUE']).data ?? '';
  const events = EVENTS_QUEUES.safeParse(set['EVENTS_QUEUES']).data ?? [];
  const audit = set['AUDIT_QUEUE'] ?? '';
  const prefix = QUEUE_PREFIX.safeParse(set['QUEUE_PREFIX']).data ?? '{}';
  const isCluster = set['REDIS_CLUSTER_NODES'] !== undefined;
  const faults: [boolean, string][] = [
    [maxMs < baseMs, 'BACKOFF_MAX_MS: must not be less than BACKOFF_BASE_MS'],
    [events.includes(jobs), 'EVENTS_QUEUES: must not contain the jobs queue itself'],
    [audit === jobs || events.includes(audit), 'AUDIT_QUEUE: must be a queue of its own'],
    [new Set(events).size < events.length, 'EVENTS_QUEUES: names a queue twice'],
    [
      isCluster && prefixWarning('QUEUE_PREFIX', prefix) !== undefined,
      'QUEUE_PREFIX: needs a hash tag in braces on a cluster, so that all keys are in one slot',
    ],
  ];
  return faults.flatMap(([isFault, what]) => (isFault ? [what] : []));
}

function describe(issue: z.core.$ZodIssue): string {
  const [name, ...rest] = issue.path;
  return `${String(name)}: ${issue.message}${rest.length > 0 ? ` (entry ${Number(rest[0]) + 1})` : ''}`;
}

function readInstances(set: SetVariables, faults: string[]): Record<string, InstanceCredentials> {
  const { DAMOOV_INSTANCES_FILE: file, DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key } = set;
  const instances = file === undefined ? {} : readInstancesFile(file, faults);
  if (id === undefined || key === undefined) return instances;
  const { default: named = { id, key } } = instances;
  if (named.id !== id || named.key !== key) {
    faults.push('DAMOOV_INSTANCES_FILE: its `default` differs from DAMOOV_INSTANCE_ID, DAMOOV_INSTANCE_KEY');
  }
  return { ...instances, default: named };
}

function readReceiptKey(file: string | undefined, faults: string[]): SigningKey | undefined {
  const variable = 'RECEIPT_PRIVATE_KEY_FILE';
  const pem = file === undefined ? undefined : readNamedFile(variable, file, faults);
  if (pem === undefined) return undefined;
  const key = signingKeyIn(pem);
  if (key === undefined) {
    faults.push(`${variable}: is not an Ed25519 private key in PEM (PKCS#8, not encrypted)`);
  }
  return key;
}
