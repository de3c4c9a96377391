/**
 * What each environment variable may be, by itself. Knows neither the process nor which of them go together.
 */
import { z } from 'zod';
import { redisUrlFault } from '../redis/options.ts';

const NOT_A_PORT = 'must be a whole number from 0 to 65535';
const NO_COUNT = 'must be a whole number from 0 to 1000000';
const positive = (most: number) => {
  const message = `must be a whole number from 1 to ${most}`;
  return z.coerce.number(message).int(message).min(1, message).max(most, message);
};
const NOT_A_RATE = 'must be a number from 0.01 to 100000';
const word = z.string().min(1);
/** It is sent as an HTTP header. */
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
const queueName = word.refine((name) => !name.includes(':'), 'must not contain a colon');
/** No queue with this name: no events are published. */
const NONE = 'none';

function eventsQueues(names: string[], context: z.RefinementCtx): string[] {
  if (names.length === 1 && names[0] === NONE) return [];
  if (names.includes(NONE)) {
    context.addIssue({
      code: 'custom',
      message: `${NONE} stands alone: it means that no events are published`,
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

const NOT_A_SHARE = 'must be a number from 0 to 1';
/** As OpenTelemetry has them: `name=value,…`, percent-encoded where needed. */
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

/** Undefined where it can be sent in no header. */
function decoded(text: string | undefined): string | undefined {
  try {
    const value = text === undefined ? undefined : decodeURIComponent(text);
    return value !== undefined && /^[\x20-\x7e]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The variables, as text, into values with their defaults. */
export const Environment = z.object({
  NODE_ENV: z.string().optional(),
  REFUSE_LOOPBACK: z.stringbool({ error: 'must be true or false' }).default(false),
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
  REDIS_TLS: z.stringbool({ error: 'must be true or false' }).default(false),
  REDIS_TLS_CA_FILE: word.optional(),
  REDIS_TLS_CERT_FILE: word.optional(),
  REDIS_TLS_KEY_FILE: word.optional(),
  QUEUE_PREFIX: word.default('{damoov}'),
  JOBS_QUEUE: queueName.default('user-jobs'),
  EVENTS_QUEUES: list.pipe(z.array(queueName)).transform(eventsQueues).default(['user-events']),
  DAMOOV_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
    .refine(isBareUrl, 'must have no user, password, query or fragment')
    .optional(),
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
  DAMOOV_TIMEOUT_MS: positive(600_000).default(10_000),
  DAMOOV_LOGINS_PER_HOUR: positive(1000).default(4),
  DAMOOV_MAX_RPS: z.coerce.number(NOT_A_RATE).min(0.01, NOT_A_RATE).max(100_000, NOT_A_RATE).optional(),
  DELETIONS_PER_HOUR: z.coerce
    .number(NO_COUNT)
    .int(NO_COUNT)
    .min(0, NO_COUNT)
    .max(1_000_000, NO_COUNT)
    .default(100),
  WORKER_CONCURRENCY: positive(10_000).default(50),
  JOB_ATTEMPTS: positive(1000).default(15),
  BACKOFF_BASE_MS: positive(86_400_000).default(1000),
  BACKOFF_MAX_MS: positive(86_400_000).default(600_000),
  HTTP_HOST: word.default('127.0.0.1'),
  HTTP_PORT: z.coerce
    .number(NOT_A_PORT)
    .int(NOT_A_PORT)
    .min(0, NOT_A_PORT)
    .max(65_535, NOT_A_PORT)
    .default(3000),
  DASHBOARD_USER: word.refine((user) => !user.includes(':'), 'must not contain a colon').optional(),
  DASHBOARD_PASSWORD: word.optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
    .refine(isBareUrl, 'must have no user, password, query or fragment')
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders.optional(),
  OTEL_SERVICE_NAME: word.default('damoov-user-lifecycle'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number(NOT_A_SHARE).min(0, NOT_A_SHARE).max(1, NOT_A_SHARE).default(1),
});
