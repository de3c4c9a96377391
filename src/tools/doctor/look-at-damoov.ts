/**
 * Whether Damoov answers, and whether it accepts the admin and the keys of the instances. Makes no user, and no log-in beyond what
 * its client may. What cannot be told without harm is said to be unknown.
 */
import { randomUUID } from 'node:crypto';
import { durationText } from '../../contract/duration.ts';
import type { DamoovClient } from '../../damoov/client.ts';
import { readText, field } from '../../damoov/envelope.ts';
import { DamoovError } from '../../damoov/errors.ts';
import type { HttpAnswer } from '../../damoov/exchange.ts';
import { hostAndPort } from '../../damoov/transport.ts';
import { MANY_REVOKED } from '../../damoov/login-budget.ts';
import type { InstanceCredentials } from '../../config/instances-file.ts';
import type { Facts } from '../probe/facts.ts';
import { faultyBody } from '../probe/faulty-create.ts';
import { type Observation, answerText, isSameSignature, observe, signatureOf } from '../probe/observation.ts';
import type { GateState } from '../../store/circuits/circuit-state.ts';
import { refusalOf } from '../../redis/refusal.ts';
import type { LoginState } from '../../store/session/login-budget.ts';
import type { Finding } from './finding.ts';

type Client = Pick<DamoovClient, 'request' | 'findUsers'>;

/** The header counts whole seconds, and the answer has been under way. In milliseconds. */
const SKEW_MS = 5000;

/** A request without a session: a 401 is documented, and any answer of Damoov's own will do. */
export async function lookWhetherDamoovAnswers(
  client: Client,
  baseUrl: string,
  now: () => number,
): Promise<Finding[]> {
  const check = 'damoov';
  let answer: HttpAnswer | undefined;
  try {
    const observation = await observe('find', (onAnswer) =>
      client.request(
        { operation: 'find', method: 'GET', path: '/v1/Management/users/find' },
        {
          onAnswer: (given) => {
            answer = given;
            onAnswer(given);
          },
        },
      ),
    );
    const url = new URL(baseUrl);
    const { pathname } = url;
    const seen = `${hostAndPort(url)} answers ${answerText(observation)} to a request without a session`;
    if (observation.status === 404) {
      const path =
        pathname === '/' ? '' : `: without the path ${pathname}, if Damoov is not behind one of your own`;
      return [{ check, is: 'fail', seen, todo: `there is no such API: correct DAMOOV_BASE_URL${path}` }];
    }
    const isDamoov = [401, 403].includes(observation.status);
    const todo = 'a 401 is documented: is DAMOOV_BASE_URL right?';
    return [
      { check, is: isDamoov ? 'ok' : 'warn', seen, ...(!isDamoov && { todo }) },
      ...clock(answer, now()),
    ];
  } catch (error) {
    const seen = messageOf(error);
    return [
      { check, is: 'fail', seen, todo: 'look at the network, DAMOOV_BASE_URL, and whether Damoov is down' },
    ];
  }
}

function clock(answer: HttpAnswer | undefined, nowMs: number): Finding[] {
  const check = 'clock against damoov';
  const header = [answer?.headers['date']].flat()[0];
  const aheadMs = Date.parse(header ?? '') - nowMs;
  if (Number.isNaN(aheadMs)) return [{ check, is: 'warn', seen: 'the answer has no Date' }];
  if (Math.abs(aheadMs) <= SKEW_MS) return [{ check, is: 'ok', seen: 'less than five seconds apart' }];
  const seen = `Damoov is ${durationText(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
  return [{ check, is: 'warn', seen, todo: 'synchronise the clock of this machine (NTP)' }];
}

export interface AdminState {
  /** Undefined without an admin. */
  logins: LoginState | undefined;
  gate: GateState | undefined;
  mayLogIn: boolean;
}

/** Looks for nobody with the session of the admin, which is refreshed where it is due. */
export async function lookAtAdmin(
  client: Client,
  { logins, gate, mayLogIn }: AdminState,
  now: () => number,
): Promise<Finding> {
  const check = 'admin account';
  if (logins === undefined) {
    const todo = 'set DAMOOV_ADMIN_EMAIL and DAMOOV_ADMIN_PASSWORD';
    return { check, is: 'warn', seen: 'none is configured: updates and deletions wait', todo };
  }
  try {
    await client.findUsers({ deviceToken: randomUUID() });
    if (gate?.shutSince === undefined) return { check, is: 'ok', seen: 'accepted' };
    return {
      check,
      is: 'warn',
      seen: `accepted now; the gate is still shut (${gate.reason}), ${held(gate)}`,
    };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== undefined) {
      const seen = 'not tested: its session lies in Redis, which refuses to write';
      return { check, is: 'warn', seen, todo: refusal.message };
    }
    if (!(error instanceof DamoovError)) throw error;
    if (error.kind === 'login-barred') return { check, ...barred(logins, mayLogIn, now()) };
    const todo = TODO_OF_ADMIN[error.kind];
    return { check, is: 'fail', seen: error.message, ...(todo !== undefined && { todo }) };
  }
}

/** Two programs with one account end each other's session, each time with a log-in of the budget. */
export function lookAtRevocations({ revoked = 0 }: LoginState): Finding {
  const check = 'admin session';
  if (revoked === 0) return { check, is: 'ok', seen: 'ended by nobody else within the hour' };
  const seen = `others have ended it ${revoked === 1 ? 'once' : `${revoked} times`} within the hour`;
  if (revoked < MANY_REVOKED) return { check, is: 'ok', seen };
  const todo =
    'another program logs in with this account, and Damoov ends the session of the other: give the worker an account of its own';
  return { check, is: 'warn', seen, todo };
}

const TODO_OF_ADMIN: Partial<Record<DamoovError['kind'], string>> = {
  'login-refused': 'correct DAMOOV_ADMIN_EMAIL or DAMOOV_ADMIN_PASSWORD',
  unauthorized: 'a renewed session is refused as well: look at the account at Damoov',
  forbidden: 'give the account the right to manage users',
};

function barred(
  { left, barredUntil = 0 }: NonNullable<AdminState['logins']>,
  mayLogIn: boolean,
  nowMs: number,
): Omit<Finding, 'check'> {
  if (barredUntil > nowMs) {
    const seen = `there is no session, and nobody logs in until ${new Date(barredUntil).toISOString()}`;
    return { is: 'fail', seen, todo: 'wait: the workers go on by themselves' };
  }
  if (left === 0) {
    const seen = 'there is no session, and the log-ins of this hour are spent';
    return { is: 'fail', seen, todo: 'wait: the workers go on by themselves' };
  }
  if (mayLogIn)
    return { is: 'warn', seen: 'there is no session, and a log-in is not due', todo: 'try again' };
  const todo = '--login tries it, with one of the log-ins that this hour has left';
  return { is: 'warn', seen: `not tried: there is no session, and a log-in counts (left: ${left})`, todo };
}

export interface InstanceState {
  name: string;
  credentials: InstanceCredentials;
  gate: GateState | undefined;
  /** Of this very API. */
  keyCheck: Facts['keyCheck'] | undefined;
}

/** Sends a create only where a probe has seen that it is refused whatever the key, and how. */
export async function lookAtInstanceKey(client: Client, instance: InstanceState): Promise<Finding> {
  const { name, credentials, gate, keyCheck } = instance;
  const check = `instance key ${name}`;
  if (gate?.shutSince !== undefined) {
    const seen = `refused since ${new Date(gate.shutSince).toISOString()}, ${held(gate)}: ${gate.reason}`;
    return {
      check,
      is: 'fail',
      seen,
      todo: 'correct the id or key of this instance, and restart the workers',
    };
  }
  const known = gate === undefined ? '' : '; no worker has found it refused';
  if (keyCheck?.is !== 'tells') {
    const seen = `not tested: nobody knows a request that tells a wrong key and makes no user${known}`;
    const todo =
      'run `damoov-users probe --try-wrong-key` on a test instance: where Damoov has such a request, it finds it';
    return { check, is: 'warn', seen, todo };
  }
  try {
    const answer = await sendFaulty(client, credentials, keyCheck.fault);
    if (readText(field(answer.result, 'DeviceToken')) !== undefined) {
      const todo = 'delete this user, and run the probe again';
      return {
        check,
        is: 'fail',
        seen: `a faulty create has made user ${String(field(answer.result, 'DeviceToken'))}`,
        todo,
      };
    }
    const signature = signatureOf(answer);
    const seen = `a create that makes nobody is answered ${answerText(answer)}`;
    if (isSameSignature(signature, keyCheck.right))
      return { check, is: 'ok', seen: `${seen}, as with a right key` };
    if (isSameSignature(signature, keyCheck.wrong)) {
      return {
        check,
        is: 'fail',
        seen: `${seen}, as with a wrong key`,
        todo: 'correct the id or key of this instance',
      };
    }
    return { check, is: 'warn', seen: `${seen}, which the probe has not seen`, todo: 'run the probe again' };
  } catch (error) {
    return { check, is: 'warn', seen: `not tested: ${messageOf(error)}${known}` };
  }
}

function sendFaulty(
  client: Client,
  { id, key }: InstanceCredentials,
  fault: Parameters<typeof faultyBody>[0],
): Promise<Observation> {
  const headers = { InstanceId: id, InstanceKey: key };
  return observe('create', (onAnswer) =>
    client.request(
      {
        operation: 'create',
        method: 'POST',
        path: '/v1/Registration/create',
        headers,
        body: { CreateAccessToken: false, ...faultyBody(fault) },
      },
      { onAnswer },
    ),
  );
}

function held({ held }: GateState): string {
  return `jobs that wait: ${held}`;
}

/** Of an error that is no DamoovError the text may hold anything. */
function messageOf(error: unknown): string {
  if (error instanceof DamoovError) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}
