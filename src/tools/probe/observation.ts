/**
 * What one request was answered, as it came over the wire, with nothing made equal. Knows no question that it might settle.
 */
import { readEnvelope } from '../../damoov/envelope.ts';
import { DamoovError, type DamoovFault, type DamoovOperation } from '../../damoov/errors.ts';
import type { HttpAnswer } from '../../damoov/exchange.ts';
import { ANSWERS, type Signature } from './facts.ts';

export interface Observation {
  /** The status of HTTP. */
  readonly http: number;
  /** What counts: the envelope's Status, where there is one. */
  readonly status: number;
  /** Undefined where there is none. */
  readonly result: unknown;
  /** Damoov's own words, without what was sent. */
  readonly faults: readonly DamoovFault[];
}

export type AnswerName = (typeof ANSWERS)[number];

/**
 * Makes the call and answers what came back, whatever its status.
 * @throws DamoovError where nothing came back, where Damoov is away, and where the admin's session has failed instead.
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
  if (answer === undefined) throw new Error('Damoov has answered, and nobody was told what');
  const envelope = readEnvelope(answer.text);
  return {
    http: answer.status,
    status: envelope?.status ?? answer.status,
    result: envelope?.result,
    faults,
  };
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
  if (isSuccess(observation)) {
    if (observation.result === undefined) return '200-empty';
    return observation.result === null ? '200-null' : '200';
  }
  return ANSWERS.find((name) => name === String(observation.status)) ?? 'other';
}

/** For people: the statuses, whether there was a Result, and what Damoov said. */
export function answerText(observation: Observation): string {
  const { http, status, faults } = observation;
  const answer = http === status ? String(http) : `HTTP ${http} with Status ${status}`;
  const said = faults.map(({ key, message }) => (key === '' ? message : `${key}: ${message}`)).join('; ');
  if (!isSuccess(observation)) return said === '' ? answer : `${answer} (${said})`;
  return `${answer} ${RESULTS[resultOf(observation)]}`;
}

const RESULTS = { none: 'without a Result', null: 'with Result null', some: 'with a Result' } as const;

function resultOf({ result }: Observation): keyof typeof RESULTS {
  if (result === undefined) return 'none';
  return result === null ? 'null' : 'some';
}

export function signatureOf(observation: Observation): Signature {
  const { http, status, faults } = observation;
  return { http, status, result: resultOf(observation), keys: faults.map(({ key }) => key).sort() };
}

export function isSameSignature(one: Signature, other: Signature): boolean {
  return (
    one.http === other.http &&
    one.status === other.status &&
    one.result === other.result &&
    one.keys.join('\n') === other.keys.join('\n')
  );
}
