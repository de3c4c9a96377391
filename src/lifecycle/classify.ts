/**
 * The one table that turns an error into an outcome. Operations decide their own waits and retries.
 */
import { DamoovError } from '../damoov/errors.ts';
import {
  type Failed,
  type Circuit,
  type Outcome,
  type Held,
  type Retry,
  type Wait,
  failed,
} from '../contract/outcome.ts';

type Rule = (error: DamoovError) => Outcome;

const retry: Rule = (error): Retry => ({
  status: 'retry',
  reason: error.message,
  ...(error.retryAfterMs !== undefined && { afterMs: error.retryAfterMs }),
});

/** Holds every job of the circuit, unless the failure detector attributes the fault to this job. */
function open(circuit: Circuit): Rule {
  return (error): Held => ({
    status: 'held',
    circuit,
    reason: error.message,
    ...(asksForPatience(error, circuit) && { afterMs: error.retryAfterMs }),
    ...(error.kind === 'login-barred' && { isUntried: true }),
  });
}

/** A job that needs no login does not wait for the pause after a failed login. */
function asksForPatience({ operation, retryAfterMs }: DamoovError, circuit: Circuit): boolean {
  const isOfSession = operation === 'login' || operation === 'refresh';
  return retryAfterMs !== undefined && (circuit === 'admin' || !isOfSession);
}

/** The fleet sends too fast; the job is not at fault. Jitter keeps refused jobs from returning together. */
const waitForTraffic: Rule = (error): Wait => {
  const delayMs = Math.min(error.retryAfterMs ?? 1000, 3_600_000);
  const spreadMs = Math.max(1000, delayMs / 10);
  return { status: 'wait', reason: error.message, delayMs: Math.ceil(delayMs + Math.random() * spreadMs) };
};

/** The worker stops or lost the job: the next run starts at once, and this attempt does not count. */
const giveBack: Rule = (error): Wait => ({ status: 'wait', reason: error.message, delayMs: 0 });

const away = open('damoov');

/** The reason for the operator; the log uses it to recognise an outage. */
export const IS_BASE_URL_RIGHT = 'is DAMOOV_BASE_URL right?';

const misplaced: Rule = (error): Held => ({
  status: 'held',
  circuit: 'damoov',
  reason: `${error.message}: ${IS_BASE_URL_RIGHT}`,
});

/** An HTML page may come from a server other than Damoov. */
const server: Rule = (error) => (error.status === 404 ? misplaced(error) : away(error));
const adminRefused = open('admin');
const instanceKeyRefused = open('instance-key');

const rejected: Rule = (error): Failed => failed('rejected', error.message);
const forbidden: Rule = (error): Failed => failed('forbidden', error.message);
const userNotFound: Rule = (error): Failed => failed('user-not-found', error.message);

/** Rules for every operation. */
const ALWAYS: Record<DamoovError['kind'], Rule> = {
  timeout: away,
  network: away,
  server,
  malformed: away,
  'no-result': retry,
  'rate-limited': waitForTraffic,
  aborted: giveBack,
  unauthorized: adminRefused,
  forbidden,
  'not-found': userNotFound,
  'wrong-base-url': misplaced,
  conflict: rejected,
  rejected,
  'no-admin': adminRefused,
  'login-refused': adminRefused,
  // The session knows when the next login is allowed.
  'login-barred': adminRefused,
};

/**
 * Rules for a create: it needs the InstanceKey, not the admin. Damoov does not document its answer to a wrong key: 401, 403, 404, 422 and
 * a success without a result have all been reported.
 */
const ON_CREATE: Partial<Record<DamoovError['kind'], Rule>> = {
  unauthorized: instanceKeyRefused,
  forbidden: instanceKeyRefused,
  'not-found': instanceKeyRefused,
  'no-result': instanceKeyRefused,
  rejected: (error) => (blamesTheRequest(error) ? rejected(error) : instanceKeyRefused(error)),
};

/** Rules for a look-up: it names no user, so a 403 means the admin. */
const ON_FIND: Partial<Record<DamoovError['kind'], Rule>> = { forbidden: adminRefused };

/** 408 and 425 ask for the same request again; no other 4xx does. */
const TRY_AGAIN_STATUSES: ReadonlySet<number | undefined> = new Set([408, 425]);

/** Delay of a job that a Redis fault interrupted, in milliseconds. */
const REDIS_WAIT_MS = 5000;

/**
 * Turns the error of a run into the outcome of its job.
 * @param outageOf returns the reason if Redis is at fault.
 */
export function classify(error: unknown, outageOf: (error: unknown) => string | undefined): Outcome {
  const reason = outageOf(error);
  if (reason !== undefined) return { status: 'wait', reason, delayMs: REDIS_WAIT_MS };
  if (!(error instanceof DamoovError))
    return { status: 'retry', reason: `unexpected ${describeUnexpected(error)}` };
  if (error.kind === 'rejected' && TRY_AGAIN_STATUSES.has(error.status)) return retry(error);
  const special = error.operation === 'create' ? ON_CREATE : error.operation === 'find' ? ON_FIND : undefined;
  return (special?.[error.kind] ?? ALWAYS[error.kind])(error);
}

/** A 422 names the field at fault. One that names no field, or the instance, means the credentials. */
function blamesTheRequest(error: DamoovError): boolean {
  return error.errors.some(({ key }) => key !== '' && !/instance/i.test(key));
}

/** Name and place only: the message of an unknown error may quote personal data. */
export function describeUnexpected(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { stack = '', message } = error;
  const frames = stack.slice(stack.indexOf(message) + message.length);
  const place = /([\w-]{1,80}\.[jt]s:\d+):\d+/.exec(frames)?.[1];
  return place === undefined ? error.name : `${error.name} at ${place}`;
}
