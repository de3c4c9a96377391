/**
 * Reads the envelope of Damoov's answers, and its fields, which may have any type.
 */
import type { DamoovFault } from './errors.ts';

/** Damoov's envelope (documented): `{Result, Status, Title, Errors}`. */
export interface Envelope {
  readonly status?: number;
  /** Undefined if there is none; a normal update or deletion has none, and null means something else. */
  readonly result: unknown;
  readonly errors: readonly DamoovFault[];
}

/** Undefined if the text is not a JSON object, has none of the envelope's fields, or a Status that is not an HTTP status. */
export function readEnvelope(text: string): Envelope | undefined {
  const value = parseJson(text);
  if (!isObject(value)) return undefined;
  if (!['Result', 'Status', 'Title', 'Errors'].some((name) => hasField(value, name))) return undefined;
  const status = field(value, 'Status') ?? undefined;
  if (status !== undefined && !/^\d{1,3}$/.test(readText(status) ?? '')) return undefined;
  return {
    ...(status === undefined ? {} : { status: Number(status) }),
    result: field(value, 'Result'),
    errors: readFaults(field(value, 'Errors')),
  };
}

/** `Errors` is documented as `[{Key, Message}]`; texts and ASP.NET's `{Field: [message]}` are read as well. Anything else is ignored. */
function readFaults(value: unknown): DamoovFault[] {
  const faults = isObject(value)
    ? Object.entries(value).map(([key, message]) => ({ key, message: readTexts(message) }))
    : [value].flat().map((entry) => ({
        key: readText(field(entry, 'Key')) ?? '',
        message: readTexts(isObject(entry) ? field(entry, 'Message') : entry),
      }));
  return faults.filter(({ key, message }) => key !== '' || message !== '');
}

/** JSON can contain objects that cannot be converted to text: `{"toString":1}`. */
function readTexts(value: unknown): string {
  return [value]
    .flat()
    .flatMap((text) => readText(text) ?? [])
    .join(', ');
}

/** A text that is not empty; a number in place of a text is converted. */
export function readText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** NaN if it is neither a number nor the text of one. */
export function readNumber(value: unknown): number {
  return Number(readText(value) ?? Number.NaN);
}

/** Reads `Name`, or `name` where a gateway or a framework's own error page writes camelCase. */
export function field(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  return name in value ? value[name] : value[camelCase(name)];
}

function hasField(value: object, name: string): boolean {
  return name in value || camelCase(name) in value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The SyntaxError quotes the text, and the text may hold tokens: it must not become a cause.
    return undefined;
  }
}

function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
