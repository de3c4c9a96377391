/**
 * Knows the envelope around every answer of Damoov, and how to read a field of it without trusting it. It refuses to know
 * what the Result is about.
 */
import type { DamoovFault } from './errors.ts';

/** Damoov's envelope (documented): `{Result, Status, Title, Errors}`. */
export interface Envelope {
  readonly status?: number;
  /** Undefined where there is none; a normal update or deletion has none, and null means something else. */
  readonly result: unknown;
  readonly errors: readonly DamoovFault[];
}

/** Undefined where the text is no JSON object, has none of the envelope's fields, or a Status that is no number. */
export function readEnvelope(text: string): Envelope | undefined {
  const value = parseJson(text);
  if (!isObject(value)) return undefined;
  if (!['Result', 'Status', 'Title', 'Errors'].some((name) => hasField(value, name))) return undefined;
  const status = field(value, 'Status') ?? undefined;
  if (status !== undefined && !Number.isInteger(Number(status))) return undefined;
  return {
    ...(status === undefined ? {} : { status: Number(status) }),
    result: field(value, 'Result'),
    errors: readFaults(field(value, 'Errors')),
  };
}

/** `Errors` is documented as `[{Key, Message}]`; texts and ASP.NET's `{Field: [message]}` are understood as well. */
function readFaults(value: unknown): DamoovFault[] {
  if (Array.isArray(value)) {
    return value.map((entry) =>
      isObject(entry)
        ? { key: readText(field(entry, 'Key')) ?? '', message: readText(field(entry, 'Message')) ?? '' }
        : { key: '', message: String(entry) },
    );
  }
  if (!isObject(value)) return [];
  return Object.entries(value).map(([key, message]) => ({
    key,
    message: [message].flat().map(String).join(', '),
  }));
}

/** A text that says something; a number where a text is promised is taken as one. */
export function readText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
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
