/**
 * The valid values of each environment variable by itself.
 */
import { z } from 'zod';
import { DEFAULT_RETRY_POLICY } from '../lifecycle/retry-policy.ts';
import { redisUrlFault } from '../redis/options.ts';
import { addressesIn } from './dashboard-variables.ts';

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(message).int(message).min(least, message).max(most, message);
};
const fraction = (least: number, most: number) => {
  const message = `must be a number from ${least} to ${most}`;
  return z.coerce.number(message).min(least, message).max(most, message);
};
const trueOrFalse = z.stringbool({ error: 'must be true or false' });
const word = z.string().min(1);
/** Sent as an HTTP header. */
export const headerValue = word.regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks');
const list = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .refine((items) => items.length > 0, 'must name at least one');
const addresses = list.transform((items, context) => {
  const read = addressesIn(items);
  if (read !== undefined) return read;
  const message = 'must be addresses or networks, such as 10.0.0.7 or 10.0.0.0/8, separated by commas';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
/** Of basic authentication, which ends it with a colon. */
const userName = word.refine((user) => !user.includes(':'), 'must not contain a colon');
const headerName = word
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header')
  .transform((name) => name.toLowerCase());
const queueName = word.refine((name) => !name.includes(':'), 'must not contain a colon');
/** No queue with this name: no events are published. */
const NONE = 'none';

function eventsQueues(names: string[], context: z.RefinementCtx): string[] {
  if (names.length === 1 && names[0] === NONE) return [];
  if (names.includes(NONE)) {
    context.addIssue({
      code: 'custom',
      message: `${NONE} must be the only entry: it means that no events are published`,
    });
  }
  return names;
}

const hostPorts = list.transform((items, context) =>
  items.flatMap((item) => {
    const match = /^(?<host>[^\s:]+|\[[0-9a-fA-F:]+\]):(?<port>\d{1,5})$/.exec(item)?.groups;
    const { host, port } = { host: match?.['host']?.replaceAll(/[[\]]/g, ''), port: Number(match?.['port']) };
    if (host !== undefined && port >= 1 && port <= 65_535) return [{ host, port }];
    context.addIssue({ code: 'custom', message: 'must be host:port, separated by commas' });
    return [];
  }),
);

function isBareUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
}

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
  .refine(isBareUrl, 'must have no user, password, query or fragment');

/** In OpenTelemetry's format: `name=value,…`, percent-encoded where needed. */
const otlpHeaders = list.transform((items, context) =>
  Object.fromEntries(
    items.flatMap((item) => {
      const match = /^(?<name>[\w!#$%&'*+.^`|~-]+)\s*=(?<value>[\x20-\x7e]*)$/.exec(item)?.groups;
      const { name, value } = { name: match?.['name'], value: decoded(match?.['value']?.trim()) };
      if (name !== undefined && value !== undefined) return [[name, value] as const];
      context.addIssue({ code: 'custom', message: 'must be name=value, separated by commas' });
      return [];
    }),
  ),
);

/** Undefined if it cannot be sent in a header. */
function decoded(text: string | undefined): string | undefined {
  try {
    const value = text === undefined ? undefined : decodeURIComponent(text);
    return value !== undefined && /^[\x20-\x7e]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Parses the variables into values with their defaults. */
export const Environment = z.object({
  NODE_ENV: z.string().optional(),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL', abort: true })
    .check(({ value, issues }) => {
      const message = redisUrlFault(value);
      if (message !== undefined) issues.push({ code: 'custom', input: '', message });
    })
    .optional(),
  REDIS_CLUSTER_NODES: hostPorts.optional(),
  REDIS_SENTINELS: hostPorts.optional(),
  REDIS_SENTINEL_MASTER: word.optional(),
  REDIS_SENTINEL_USERNAME: word.optional(),
  REDIS_SENTINEL_PASSWORD: word.optional(),
  REDIS_USERNAME: word.optional(),
  REDIS_PASSWORD: word.optional(),
  REDIS_TLS: trueOrFalse.default(false),
  REDIS_TLS_CA_FILE: word.optional(),
  REDIS_TLS_CERT_FILE: word.optional(),
  REDIS_TLS_KEY_FILE: word.optional(),
  QUEUE_PREFIX: word.default('{damoov}'),
  JOBS_QUEUE: queueName.default('user-jobs'),
  ALERTS_WEBHOOK_URL: z
    .url({ protocol: /^https?$/, error: 'must be an address with http:// or https://' })
    .optional(),
  AUDIT_QUEUE: queueName.optional(),
  EVENTS_QUEUES: list.pipe(z.array(queueName)).transform(eventsQueues).default(['user-events']),
  DAMOOV_BASE_URL: httpUrl.optional(),
  DAMOOV_INSTANCE_ID: headerValue.optional(),
  DAMOOV_INSTANCE_KEY: headerValue.optional(),
  DAMOOV_INSTANCES_FILE: word.optional(),
  DAMOOV_ADMIN_EMAIL: word.optional(),
  DAMOOV_ADMIN_PASSWORD: word.optional(),
  DAMOOV_USER_ID: z
    .enum(['derived', 'assigned'], { error: 'must be derived or assigned' })
    .default('derived'),
  DAMOOV_USER_ID_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  RECEIPT_PRIVATE_KEY_FILE: word.optional(),
  DAMOOV_TIMEOUT_MS: whole(1, 600_000).default(10_000),
  DAMOOV_LOGINS_PER_HOUR: whole(1, 1000).default(4),
  DAMOOV_MAX_RPS: fraction(0.01, 100_000).optional(),
  DELETIONS_PER_HOUR: whole(0, 1_000_000).default(100),
  WORKER_CONCURRENCY: whole(1, 10_000).default(50),
  JOB_ATTEMPTS: whole(1, 1000).default(DEFAULT_RETRY_POLICY.attempts),
  BACKOFF_BASE_MS: whole(1, 86_400_000).default(DEFAULT_RETRY_POLICY.baseMs),
  BACKOFF_MAX_MS: whole(1, 86_400_000).default(DEFAULT_RETRY_POLICY.maxMs),
  HTTP_HOST: word.default('127.0.0.1'),
  HTTP_PORT: whole(0, 65_535).default(3000),
  DASHBOARD_USER: userName.optional(),
  DASHBOARD_PASSWORD: word.optional(),
  DASHBOARD_OPERATOR_USER: userName.optional(),
  DASHBOARD_OPERATOR_PASSWORD: word.optional(),
  DASHBOARD_PROXY_ADDRESSES: addresses.optional(),
  DASHBOARD_PROXY_USER_HEADER: headerName.default('x-forwarded-user'),
  DASHBOARD_PROXY_GROUPS_HEADER: headerName.default('x-forwarded-groups'),
  DASHBOARD_PROXY_OPERATOR_GROUP: word
    .refine((group) => !group.includes(','), 'must not contain a comma')
    .optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders.optional(),
  OTEL_SERVICE_NAME: word.default('damoov-user-lifecycle'),
  OTEL_TRACES_SAMPLER_ARG: fraction(0, 1).default(1),
});

export type Environment = z.output<typeof Environment>;
