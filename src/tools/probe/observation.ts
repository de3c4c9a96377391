/**
 * What one request was answered, as it came over the wire: null, "" and nothing are three things here, and a token has its casing.
 */
import { field, isObject, readEnvelope, readText } from '../../damoov/envelope.ts';
import { DamoovError, type DamoovFault, type DamoovOperation } from '../../damoov/errors.ts';
import type { HttpAnswer } from '../../damoov/exchange.ts';
import { ANSWERS } from './facts.ts';

/** A probe that cannot go on: nothing is wrong with how it was called, and no facts come of it. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
}

export interface Observation {
  /** The status of HTTP. */
  readonly http: number;
  /** What counts: the envelope's Status, if there is one. */
  readonly status: number;
  /** Undefined if there is none. */
  readonly result: unknown;
  /** Damoov's own words, without what was sent. */
  readonly faults: readonly DamoovFault[];
  readonly headers: HttpAnswer['headers'];
}

export type AnswerName = (typeof ANSWERS)[number];

/**
 * Makes the call and returns what came back, whatever its status.
 * @throws DamoovError if nothing came back, if Damoov is away, and if the admin's session has failed instead.
 */
export async function observe(
  operation: DamoovOperation,
  call: (onAnswer: (answer: HttpAnswer) => void) => Promise<unknown>,
): Promise<Observation> {
  let answer: HttpAnswer | undefined;
  let faults: readonly DamoovFault[] = [];
  try {
    await call((given) => (answer = given));
  } catch (error) {
    if (!(error instanceof DamoovError) || error.operation !== operation || isNoAnswer(error)) throw error;
    faults = error.errors;
  }
  if (answer === undefined) throw new Error('Damoov has answered, and the answer was not passed on');
  const { status: http, headers, text } = answer;
  const envelope = readEnvelope(text);
  return { http, status: envelope?.status ?? http, result: envelope?.result, faults, headers };
}

/** What passes says nothing of how Damoov answers. A 500 may be an answer: to an id that is taken, for one. */
function isNoAnswer({ kind, status = 0 }: DamoovError): boolean {
  return AWAY.has(kind) || (kind === 'server' && status !== 500);
}
const AWAY: ReadonlySet<DamoovError['kind']> = new Set(['timeout', 'network', 'aborted', 'rate-limited']);

export function isSuccess({ status }: Observation): boolean {
  return status >= 200 && status < 300;
}

export function answerName(observation: Observation): AnswerName {
  if (!isSuccess(observation)) {
    return ANSWERS.find((name) => name === String(observation.status)) ?? 'other';
  }
  if (observation.result === undefined) return '200-empty';
  return observation.result === null ? '200-null' : '200';
}

/** For people: the statuses, whether there was a Result, and what Damoov said. */
export function answerText(observation: Observation): string {
  const { http, status, faults, result } = observation;
  const answer = http === status ? String(http) : `HTTP ${http} with Status ${status}`;
  if (!isSuccess(observation)) {
    const said = faults.map(({ key, message }) => (key === '' ? message : `${key}: ${message}`)).join('; ');
    return said === '' ? answer : `${answer} (${said})`;
  }
  if (result === undefined) return `${answer} without a Result`;
  return `${answer} with ${result === null ? 'Result null' : 'a Result'}`;
}

/** The name of an answer, and what it was for people. */
export function told(observation: Observation): { is: AnswerName; seen: string } {
  return { is: answerName(observation), seen: answerText(observation) };
}

/** A user as a look-up shows it. */
export interface SeenUser {
  /** In lower case. */
  readonly userId: string;
  /** As it is written. */
  readonly token: string;
  readonly firstName: unknown;
  readonly lastName: unknown;
  readonly nickname: unknown;
  readonly phone: unknown;
  readonly email: unknown;
  readonly clientId: unknown;
  readonly status: unknown;
  readonly instanceId: unknown;
}

/** Undefined if it is no list of users. */
export function readSeenUsers(result: unknown): readonly SeenUser[] | undefined {
  if (!Array.isArray(result)) return undefined;
  const users = result.map(readSeenUser);
  return users.every((user) => user !== undefined) ? users : undefined;
}

function readSeenUser(value: unknown): SeenUser | undefined {
  const token = readText(field(value, 'DeviceToken'));
  if (token === undefined) return undefined;
  const profile = field(value, 'UserProfile');
  const settings = [field(value, 'UserFields')].flat().find(isObject);
  return {
    userId: token.toLowerCase(),
    token,
    firstName: field(profile, 'FirstName'),
    lastName: field(profile, 'LastName'),
    nickname: field(profile, 'Nickname'),
    phone: field(profile, 'Phone'),
    email: field(profile, 'Email'),
    clientId: field(settings, 'ClientId'),
    status: field(value, 'Status'),
    instanceId: field(field(value, 'AccountInfo'), 'InstanceId'),
  };
}
