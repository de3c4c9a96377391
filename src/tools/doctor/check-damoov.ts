/**
 * Checks whether Damoov answers, and whether it accepts the admin and the keys of the instances. Creates no user, and makes no login that
 * the budget does not allow.
 */
import { randomUUID } from 'node:crypto';
import { durationText } from '../../contract/duration.ts';
import type { DamoovClient } from '../../damoov/client.ts';
import { DamoovError } from '../../damoov/errors.ts';
import { MANY_REVOKED } from '../../damoov/login-budget.ts';
import { hostAndPort } from '../../damoov/transport.ts';
import { refusalOf } from '../../redis/refusal.ts';
import type { CircuitState } from '../../store/circuits/circuit-state.ts';
import type { LoginState } from '../../store/session/login-budget.ts';
import { type Observation, answerText, observe } from '../probe/observation.ts';
import { type Finding, finding } from './finding.ts';

type Client = Pick<DamoovClient, 'request' | 'findUsers'>;

/** The header has whole seconds, and the answer takes time. In milliseconds. */
const SKEW_MS = 5000;

/** A request without a session: Damoov documents a 401, but any answer of its own will do. */
export async function checkDamoovAnswers(
  client: Client,
  baseUrl: string,
  now: () => number,
): Promise<Finding[]> {
  const check = 'damoov';
  const request = { operation: 'find', method: 'GET', path: '/v1/Management/users/find' } as const;
  let answer: Observation;
  try {
    answer = await observe('find', (onAnswer) => client.request(request, { onAnswer }));
  } catch (error) {
    const todo = 'check the network and DAMOOV_BASE_URL, and whether Damoov is down';
    return [finding(check, 'fail', messageOf(error), todo)];
  }
  const url = new URL(baseUrl);
  const seen = `${hostAndPort(url)} answers ${answerText(answer)} to a request without a session`;
  if (answer.status === 404) {
    const path =
      url.pathname === '/'
        ? ''
        : `: without the path ${url.pathname}, if Damoov is not behind one of your own`;
    return [finding(check, 'fail', seen, `there is no such API: correct DAMOOV_BASE_URL${path}`)];
  }
  const isDamoov = [401, 403].includes(answer.status);
  return [
    isDamoov
      ? finding(check, 'ok', seen)
      : finding(check, 'warn', seen, 'a 401 is documented: is DAMOOV_BASE_URL right?'),
    clock(answer, now()),
  ];
}

function clock({ headers }: Observation, nowMs: number): Finding {
  const check = 'clock against damoov';
  const aheadMs = Date.parse([headers['date']].flat()[0] ?? '') - nowMs;
  if (Number.isNaN(aheadMs)) return finding(check, 'warn', 'the answer has no Date');
  if (Math.abs(aheadMs) <= SKEW_MS) return finding(check, 'ok', 'less than five seconds apart');
  const seen = `Damoov is ${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
  return finding(check, 'warn', seen, 'synchronise the clock of this machine (NTP)');
}

export interface AdminState {
  /** Undefined without an admin. */
  logins: LoginState | undefined;
  circuit: CircuitState | undefined;
  mayLogIn: boolean;
}

/** Looks up a random id with the admin's session, which is refreshed if due. */
export async function checkAdmin(
  client: Client,
  { logins, circuit, mayLogIn }: AdminState,
  now: () => number,
): Promise<Finding> {
  const check = 'admin account';
  if (logins === undefined) {
    const todo = 'set DAMOOV_ADMIN_EMAIL and DAMOOV_ADMIN_PASSWORD';
    return finding(check, 'warn', 'none is configured: updates and deletions wait', todo);
  }
  try {
    await client.findUsers({ deviceToken: randomUUID() });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== undefined) {
      const seen = 'not tested: its session is stored in Redis, which refuses writes';
      return finding(check, 'warn', seen, refusal.message);
    }
    if (!(error instanceof DamoovError)) throw error;
    if (error.kind === 'login-barred') return barred(check, logins, mayLogIn, now());
    return finding(check, 'fail', error.message, TODO_OF_ADMIN[error.kind]);
  }
  if (circuit?.openSince === undefined) return finding(check, 'ok', 'accepted');
  return finding(
    check,
    'warn',
    `accepted now; the circuit is still open (${circuit.reason}), ${held(circuit)}`,
  );
}

const TODO_OF_ADMIN: Partial<Record<DamoovError['kind'], string>> = {
  'login-refused': 'correct DAMOOV_ADMIN_EMAIL or DAMOOV_ADMIN_PASSWORD',
  unauthorized: 'a renewed session is refused as well: look at the account at Damoov',
  forbidden: 'give the account the right to manage users',
};

function barred(
  check: string,
  { left, barredUntil = 0 }: LoginState,
  mayLogIn: boolean,
  nowMs: number,
): Finding {
  const isBarred = barredUntil > nowMs;
  if (isBarred || left === 0) {
    const why = isBarred
      ? `no login is allowed until ${new Date(barredUntil).toISOString()}`
      : 'the logins of this hour are spent';
    return finding(check, 'fail', `there is no session, and ${why}`, 'wait: the workers go on by themselves');
  }
  if (mayLogIn) return finding(check, 'warn', 'there is no session, and a login is not due', 'try again');
  const todo = '--login tries it, with one of the logins that this hour has left';
  return finding(check, 'warn', `not tried: there is no session, and a login counts (left: ${left})`, todo);
}

/** Two programs with one account end each other's session, and each time one login of the budget is spent. */
export function checkRevocations({ revoked = 0 }: LoginState): Finding {
  const check = 'admin session';
  if (revoked === 0) return finding(check, 'ok', 'not ended by others within the hour');
  const seen = `others have ended it ${revoked === 1 ? 'once' : `${revoked} times`} within the hour`;
  if (revoked < MANY_REVOKED) return finding(check, 'ok', seen);
  const todo =
    'another program logs in with this account, and each login ends the session of the other: give the worker its own account';
  return finding(check, 'warn', seen, todo);
}

/** Any request that tests a key may create a user: only the workers' own experience counts. */
export function checkInstanceKey(name: string, circuit: CircuitState | undefined): Finding {
  const check = `instance key ${name}`;
  if (circuit?.openSince === undefined) {
    return finding(check, 'warn', 'not tested, because a test could create a user; no worker was refused');
  }
  const seen = `refused since ${new Date(circuit.openSince).toISOString()}, ${held(circuit)}: ${circuit.reason}`;
  return finding(check, 'fail', seen, 'correct the id or key of this instance, and restart the workers');
}

function held({ held }: CircuitState): string {
  return `held jobs: ${held}`;
}

/** The text of an unknown error may contain anything. */
function messageOf(error: unknown): string {
  if (error instanceof DamoovError) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}
