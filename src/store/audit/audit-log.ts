/**
 * What operators have done, in a stream of Redis: written down before it is done, kept for a year. Ids only, and the reason that the
 * operator gave.
 */
import { Queue } from 'bullmq';
import { z } from 'zod';
import type { RedisConnection } from '../../redis/connection.ts';

export interface Action {
  /** The command or the button, such as `failed retry`. */
  what: string;
  /** What was chosen: ids, codes and times, by their names. */
  filter: Readonly<Record<string, unknown>>;
  /** How many are changed. */
  count: number;
  reason?: string | undefined;
}

export interface AuditEntry extends Action {
  /** Its id in the stream; later ones sort behind. */
  id: string;
  /** Epoch milliseconds. */
  at: number;
  /** The account. */
  who: string;
  from: 'command' | 'page';
  /** Of the page's browser, or of the proxy before it. */
  address?: string | undefined;
  /** Of a page: the id of the action, which has a page of its own for a day. */
  action?: string | undefined;
}

/** Who did it, and from where. */
export type Actor = Pick<AuditEntry, 'who' | 'from' | 'address' | 'action'>;

export interface AuditLog {
  /** Resolves once it is written: only then may the action begin. */
  record(action: Action, by: Actor): Promise<void>;
  /** The oldest first. @param after only behind this id. @param last at most so many, the latest; default all. */
  read(options?: { after?: string; last?: number }): Promise<AuditEntry[]>;
  /** The newest first. @param before only older ones than this id. @returns `older`: where older ones begin; absent at the end. */
  newest(page: {
    before?: string | undefined;
    count: number;
  }): Promise<{ entries: AuditEntry[]; older?: string }>;
}

export interface AuditLogOptions {
  connection: RedisConnection;
  prefix: string;
  /** Each entry is also added to this queue, as an event. */
  queue?: string | undefined;
}

const KEEP_MS = 365 * 24 * 3_600_000;

const EVENT_OPTIONS = { removeOnComplete: { age: 3600, count: 1000 }, attempts: 10 };

export function createAuditLog({ connection, prefix, queue }: AuditLogOptions): AuditLog {
  const key = `${prefix}:audit`;
  const publish = queue === undefined ? undefined : publisherTo({ connection, prefix }, queue);
  return {
    async record({ what, filter, count, reason }, { who, from, address, action }) {
      const entry = { what, filter: JSON.stringify(filter), count, who, from, reason, address, action };
      const fields = Object.entries(entry).flatMap(([name, value]) => [name, String(value ?? '')]);
      const [added] =
        (await connection
          .multi()
          .xadd(key, 'MINID', '~', Date.now() - KEEP_MS, '*', ...fields)
          .pexpire(key, KEEP_MS)
          .exec()) ?? [];
      const [error, id] = added ?? [];
      if (error instanceof Error) throw error;
      if (typeof id !== 'string') return;
      const more = { ...(reason !== undefined && { reason }), ...(address !== undefined && { address }) };
      const data = { what, filter, count, who, from, ...more };
      await publish?.(id, data);
    },
    async read({ after, last } = {}) {
      const start = after === undefined ? '-' : `(${after}`;
      if (last === undefined) return (await connection.xrange(key, start, '+')).flatMap(entryOf);
      return (await connection.xrevrange(key, '+', start, 'COUNT', last)).flatMap(entryOf).toReversed();
    },
    async newest({ before, count }) {
      const end = before === undefined ? '+' : `(${before}`;
      const found = await connection.xrevrange(key, end, '-', 'COUNT', count + 1);
      const shown = found.slice(0, count);
      const [older] = found.length > count ? (shown.at(-1) ?? []) : [];
      return { entries: shown.flatMap(entryOf), ...(older !== undefined && { older }) };
    },
  };
}

const text = z.string().transform((given) => (given === '' ? undefined : given));
const Entry = z.object({
  what: z.string(),
  filter: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('no JSON');
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), z.unknown())),
  count: z.coerce.number(),
  who: z.string(),
  from: z.enum(['command', 'page']),
  reason: text,
  address: text.optional(),
  action: text.optional(),
});

/** Empty if another version wrote it. */
function entryOf([id, texts]: [id: string, texts: string[]]): AuditEntry[] {
  const fields: Record<string, unknown> = {};
  for (let at = 0; at < texts.length; at += 2) fields[texts[at] ?? ''] = texts[at + 1];
  const read = Entry.safeParse(fields).data;
  return read === undefined ? [] : [{ id, at: Number.parseInt(id, 10), ...read }];
}

/** Publishes entries as CloudEvents, each once. Opens the queue for the first one: it listens to the connection for as long as that lives. */
function publisherTo({ connection, prefix }: Pick<AuditLogOptions, 'connection' | 'prefix'>, name: string) {
  let opened: Queue | undefined;
  const open = () => {
    const queue = new Queue(name, { connection, prefix });
    queue.on('error', () => {});
    return queue;
  };
  return async (id: string, data: object): Promise<void> => {
    opened ??= open();
    const event = {
      specversion: '1.0',
      id: `audit/${id}`,
      source: `/damoov-users/${prefix.replaceAll(/[{}]/g, '')}/audit`,
      type: 'operator.action',
      time: new Date(Number.parseInt(id, 10)).toISOString(),
      datacontenttype: 'application/json',
      data,
    };
    await opened.add(event.type, event, { ...EVENT_OPTIONS, jobId: `audit-${id}` });
  };
}
