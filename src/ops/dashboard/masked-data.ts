/**
 * What the pages may show of a job's data and its result: ids, and the names of other fields. It shows only what is known to be neither
 * personal nor secret; unknown names are hidden, too.
 */
import { PROFILE_FIELDS, SETTINGS } from '../../contract/fields.ts';
import { UNKNOWN, isJobName, referenceOfText } from '../../contract/job.ts';
import { UserEvent } from '../../contract/event.ts';
import { failureIn } from '../../contract/outcome.ts';

/** Replaces a hidden value. */
export const HIDDEN = '•••';

const NAMES = [...PROFILE_FIELDS, 'clientId', 'settings', 'status', ...SETTINGS];
const SECRET = ['accessToken', 'refreshToken', 'receipt'];
const SHOWN_OF_EVENTS = UserEvent.options
  .flatMap(({ shape }) => Object.keys(shape.data.shape))
  .filter((name) => !SECRET.includes(name));

/** @param text the data as stored in the queue; undefined if it is too large. */
export function maskedData(text: string | undefined): unknown {
  if (text === undefined) return 'too large to be shown';
  const data = objectIn(text);
  return data === undefined ? HIDDEN : maskedJob(text, data);
}

/** The result of a job is the data of its event. */
export function maskedResult(text: string | undefined): unknown {
  const data = text === undefined ? undefined : objectIn(text);
  return data === undefined ? HIDDEN : eventData(data);
}

/** Why a job failed, if a worker of ours wrote it. */
export function maskedReason(text: string | undefined): string {
  return text !== undefined && failureIn(text) !== undefined ? text : HIDDEN;
}

/** A job of another client may have any name. */
export function maskedName(name: string): string {
  return isJobName(name) ? name : UNKNOWN;
}

function maskedJob(text: string, data: Record<string, unknown>): unknown {
  const { profile, settings, changes, reason, encrypted, createAccessToken, ...others } = data;
  const ids = referenceOfText(text);
  const hidden = Object.keys(others).filter((key) => !(key in ids)).length;
  return {
    ...ids,
    ...(typeof createAccessToken === 'boolean' && { createAccessToken }),
    ...(profile !== undefined && { profile: namesIn(profile) }),
    ...(settings !== undefined && { settings: namesIn(settings) }),
    ...(changes !== undefined && { changes: namesIn(changes) }),
    ...(reason !== undefined && { reason: HIDDEN }),
    ...(encrypted !== undefined && { encrypted: isErased(encrypted) ? 'erased' : HIDDEN }),
    ...(hidden > 0 && { hidden: `${hidden} more` }),
  };
}

/** Only the proof remains of the encrypted data. */
function isErased(encrypted: unknown): boolean {
  return typeof encrypted === 'string' && encrypted.endsWith('.');
}

function namesIn(value: unknown): unknown {
  if (!isObject(value)) return HIDDEN;
  return Object.fromEntries(NAMES.filter((name) => name in value).map((name) => [name, HIDDEN]));
}

function eventData(data: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]): [string, unknown][] => {
      if (SHOWN_OF_EVENTS.includes(key)) return [[key, isPlain(value) ? value : HIDDEN]];
      return SECRET.includes(key) ? [[key, HIDDEN]] : [];
    }),
  );
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
