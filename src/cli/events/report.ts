/**
 * Formats an event for `damoov-users events`, as a line and as JSON, and selects events. Never shows a token of a user.
 */
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { z } from 'zod';
import { onOneLine } from '../terminal/text.ts';

/** Loose: other clients may have written more or fewer fields. */
const ShownEvent = z.looseObject({
  type: z.string(),
  time: z.string().optional(),
  data: z.looseObject({
    userId: z.string().optional(),
    clientId: z.string().optional(),
    jobId: z.string().optional(),
  }),
});
export type ShownEvent = z.infer<typeof ShownEvent>;

export interface EventFilter {
  type?: string[];
  clientId?: string;
  userId?: string;
}

const MASK = '(masked)';

/** The event in the data of its job, its tokens masked; undefined if there is none. */
export function readEvent(data: string): ShownEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    return undefined;
  }
  const read = ShownEvent.safeParse(event).data;
  if (read === undefined) return undefined;
  for (const token of ['accessToken', 'refreshToken'] as const) {
    if (read.data[token] !== undefined) read.data[token] = MASK;
  }
  return read;
}

export function isWanted({ type, data }: ShownEvent, filter: EventFilter): boolean {
  return (
    (filter.type === undefined || filter.type.includes(type)) &&
    (filter.clientId === undefined || filter.clientId === data.clientId) &&
    (filter.userId === undefined || filter.userId.toLowerCase() === data.userId?.toLowerCase())
  );
}

/** One line for people: time, type, user, job, then what else the event says. */
export function eventText({ type, time = '-', data }: ShownEvent, stream: Writable): string {
  const { clientId = '-', userId = '-', jobId = '-', ...more } = data;
  // Not the receipt of a deletion.
  const details = Object.entries(more)
    .filter(([, value]) => typeof value !== 'object' || Array.isArray(value))
    .map(([name, value]) => `${name}=${String(value)}`);
  const shown = [time, type.padEnd('user.superseded'.length), clientId, userId, jobId, ...details];
  const line = shown.map(onOneLine).join('  ').trimEnd();
  // styleText adds no colour unless the stream is a terminal, and none if NO_COLOR is set.
  if (type === 'user.failed') return styleText('red', line, { stream });
  return type === 'user.superseded' ? styleText('yellow', line, { stream }) : line;
}
