/**
 * The answer to one request as sent over the wire: it keeps null, "" and a missing value apart, and the casing of a token.
 */
import { field, isObject, readEnvelope, readText } from '../../damoov/envelope.ts';
import { DamoovError, type DamoovFault, type DamoovOperation } from '../../damoov/errors.ts';
import type { HttpAnswer } from '../../damoov/exchange.ts';
import { type ReadFields, fieldsFromWire } from '../../damoov/user-fields.ts';
import { ANSWERS } from './facts.ts';

/** The probe cannot go on: it was called correctly, but gets no facts. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
}

/** A look-up got no answer, or one that shows no users. */
export class LookUpFailed extends Error {
  override readonly name = 'LookUpFailed';
}

export interface Observation {
  readonly http: number;
  /** The status that counts: the envelope's Status, if there is one. */
  readonly status: number;
  readonly result: unknown;
  /** Damoov's own words, without the data that was sent. */
  readonly faults: readonly DamoovFault[];
  readonly headers: HttpAnswer['headers'];
}

export type AnswerName = (typeof ANSWERS)[number];

/**
 * Makes the call and returns the answer, whatever its status.
 * @throws DamoovError if there was no answer, if Damoov is away, or if the admin's session failed.
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
  if (answer === undefined) throw new Error('Damoov answered, but the answer was not passed on');
  const { status: http, headers, text } = answer;
  const envelope = readEnvelope(text);
  return { http, status: envelope?.status ?? http, result: envelope?.result, faults, headers };
}

/** A transient fault shows nothing about Damoov's rules. A 500 may: for example for a taken id. */
export function isNoAnswer({ kind, status = 0 }: DamoovError): boolean {
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

/** For people: the statuses, whether there was a Result, and Damoov's message. */
export function answerText(observation: Observation): string {
  const { http, status, faults, result } = observation;
  const answer = http === status ? String(http) : `HTTP ${http} with Status ${status}`;
  if (!isSuccess(observation)) {
    const words = faults.map(({ key, message }) => (key === '' ? message : `${key}: ${message}`)).join('; ');
    return words === '' ? answer : `${answer} (${words})`;
  }
  if (result === undefined) return `${answer} without a Result`;
  return `${answer} with ${result === null ? 'Result null' : 'a Result'}`;
}

export function toFact(observation: Observation): { is: AnswerName; seen: string } {
  return { is: answerName(observation), seen: answerText(observation) };
}

export function notKnown(seen: string): { is: 'unknown'; seen: string } {
  return { is: 'unknown', seen };
}

/** The answer to a question, or `other` if one of its look-ups failed. */
export async function unlessLookUpFails<Answer, Other>(
  question: () => Promise<Answer>,
  other: Other,
): Promise<Answer | Other> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof LookUpFailed) return other;
    throw error;
  }
}
export const LOOK_UP_FAILED = notKnown('a look-up failed');

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
  /** As the client reads it: without fields that are null, left out or unreadable. */
  readonly fields: ReadFields;
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
    fields: fieldsFromWire(value),
  };
}
