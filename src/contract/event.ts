/**
 * The events of settled jobs, as CloudEvents 1.0 objects, made from outcomes.
 */
import { z } from 'zod';
import { type Done, FAILURE_CODES, type Settled } from './outcome.ts';
import { Receipt } from './receipt.ts';

/** `source` and `id` together are unique, even if several fleets share a subscriber. */
export function eventSource(prefix: string, jobsQueue: string): string {
  return `/damoov-users/${encodeURI(prefix.replaceAll(/[{}]/g, ''))}/${encodeURI(jobsQueue)}`;
}

const userId = z.guid().describe('The id of the user at Damoov.');

const reference = {
  clientId: z.string().optional().describe('The clientId in the job.'),
  instance: z.string().describe('The name of the configured Damoov instance.'),
  jobId: z.string().describe('The id of the job that ended.'),
  correlationId: z.string().optional().describe("The sender's own reference, copied from the job."),
};

const operation = z.string().describe("The job's name, or `unknown`.");

/** The user exists; `existed` if it existed before. Tokens only if the job requested them. */
const UserCreatedData = z.strictObject({
  userId,
  ...reference,
  existed: z.literal(true).optional().describe('Present if the user existed before.'),
  accessToken: z.string().optional().describe("The user's token, if the job requested it. A secret."),
  refreshToken: z.string().optional().describe("The user's token, if the job requested it. A secret."),
});

/** The changes are applied; `changed` has names only. */
const UserUpdatedData = z.strictObject({
  userId,
  ...reference,
  changed: z.array(z.string()).describe('Names of the fields, never their values.'),
});

/** The user is gone; with `verified`, a look-up confirmed it. */
const UserDeletedData = z.strictObject({
  userId: userId.optional(),
  ...reference,
  existed: z.boolean().describe('False if there was no user to delete.'),
  verified: z
    .boolean()
    .describe('Whether a look-up that sees every instance confirmed that the user is gone.'),
  unverified: z.string().optional().describe('Why it is not verified.'),
  receipt: Receipt.optional(),
});

/** The user is in the other instance. */
const UserMovedData = z.strictObject({
  userId,
  ...reference,
  fromInstance: z
    .string()
    .optional()
    .describe('The name of its former instance; absent if the user may have been in the new one already.'),
  toInstance: z.string().describe('The name of its new instance.'),
});

/** Newer knowledge made the job pointless. */
const UserSupersededData = z.strictObject({
  userId: userId.optional(),
  ...reference,
  operation,
  by: z.string().describe('The newer knowledge, such as `deletion`.'),
});

/** The job ended in the failed set. */
const UserFailedData = z.strictObject({
  userId: userId.optional(),
  ...reference,
  operation,
  code: z.enum(FAILURE_CODES).describe('Why.'),
  message: z.string().describe('The reason, for people; without personal data.'),
  attempts: z.int().nonnegative().describe('Number of attempts.'),
});

function cloudEvent<Type extends string, Data extends z.ZodType>(
  type: Type,
  description: string,
  data: Data,
  example: z.input<Data>,
) {
  return z
    .strictObject({
      specversion: z.literal('1.0'),
      id: z
        .string()
        .min(1)
        .describe(
          'The id of the job, its timestamp in milliseconds and the type. It is the same for each delivery: deduplicate by it.',
        ),
      source: z
        .string()
        .regex(/^\/damoov-users\/[^/]+\/[^/]+$/)
        .describe('The prefix, without its braces, and the name of the jobs queue.'),
      type: z.literal(type),
      subject: z.string().optional().describe('The userId, if it is known.'),
      time: z.iso.datetime().describe('When the job was settled.'),
      datacontenttype: z.literal('application/json'),
      data,
    })
    .meta({ title: type, description, examples: [exampleOf(type, example)] });
}

const EXAMPLE = {
  userId: '3d0d0165-ec19-8bb6-9018-d49217879e0a',
  clientId: 'customer-4711',
  instance: 'default',
  jobId: '1',
};

function exampleOf(type: string, data: unknown): object {
  return {
    specversion: '1.0',
    id: `${EXAMPLE.jobId}/1795878932453/${type}`,
    source: eventSource('{damoov}', 'user-jobs'),
    type,
    subject: EXAMPLE.userId,
    time: '2026-11-28T15:15:33.017Z',
    datacontenttype: 'application/json',
    data,
  };
}

/** Every event, discriminated by `type`. */
export const UserEvent = z.discriminatedUnion('type', [
  cloudEvent('user.created', 'The user exists, whether new or not.', UserCreatedData, EXAMPLE),
  cloudEvent('user.updated', 'The changes are applied.', UserUpdatedData, { ...EXAMPLE, changed: ['phone'] }),
  cloudEvent('user.deleted', 'The user is gone; with `verified`, a look-up confirmed it.', UserDeletedData, {
    ...EXAMPLE,
    existed: true,
    verified: true,
  }),
  cloudEvent('user.moved', 'The user is in the other instance.', UserMovedData, {
    ...EXAMPLE,
    fromInstance: 'default',
    toInstance: 'eu',
  }),
  cloudEvent(
    'user.superseded',
    'Newer knowledge made the job pointless, and Damoov was not called.',
    UserSupersededData,
    { ...EXAMPLE, operation: 'update-user', by: 'newer values' },
  ),
  cloudEvent('user.failed', 'The job ended in the failed set.', UserFailedData, {
    ...EXAMPLE,
    operation: 'update-user',
    code: 'user-not-found',
    message: 'no such user',
    attempts: 1,
  }),
]);
export type UserEvent = z.infer<typeof UserEvent>;
export type EventType = UserEvent['type'];
/** The event of one type. */
export type EventOf<Type extends EventType> = Extract<UserEvent, { type: Type }>;
export const EVENT_TYPES: readonly EventType[] = UserEvent.options.map(({ shape }) => shape.type.value);
export type EventData = UserEvent['data'];

/** The event's data as the job's return value: the queue stores it, so it contains no secret. */
export function withoutTokens(data: EventData): EventData {
  if (!('accessToken' in data || 'refreshToken' in data)) return data;
  const { accessToken: _secret, refreshToken: _secretToo, ...rest } = data;
  return rest;
}

/** The event without its envelope: the part that an ended job still has. */
export type JobResult = { [Type in EventType]: Pick<EventOf<Type>, 'type' | 'data'> }[EventType];

/** Reads an event as a subscriber should: accepts fields that a later version adds. Undefined if it is not our event. */
export function readEvent(data: unknown): UserEvent | undefined {
  return readOpenly(UserEvent, data);
}

/** Reads the result of a job in the same way. */
export function readResult(result: unknown): JobResult | undefined {
  const { type, data } = Content.safeParse(result).data ?? {};
  const event = UserEvent.options.find(({ shape }) => shape.type.value === type);
  const read = event && readOpenly<z.ZodType>(event.shape.data, data);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the data were read by the schema of this type
  return read === undefined ? undefined : ({ type, data: read } as JobResult);
}
const Content = z.object({ type: z.string(), data: z.unknown() });

function readOpenly<Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> | undefined {
  const read = schema.safeParse(data);
  if (read.success) return read.data;
  const isMore = read.error.issues.every(({ code }) => code === 'unrecognized_keys');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that the schema knows of it is as it should be
  return isMore ? (data as z.output<Schema>) : undefined;
}

/** The data of the event about the job it settles. */
export interface EventContext {
  /** See {@link eventSource}. */
  source: string;
  jobId: string;
  /** When the job was added, in epoch milliseconds: another job may reuse its id. */
  timestamp: number;
  /** The job's name, or `unknown`. */
  operation: string;
  instance: string;
  clientId?: string | undefined;
  /** The id in the job, if the outcome has none. */
  userId?: string | undefined;
  correlationId?: string | undefined;
  /** Number of attempts, including this one. */
  attempts: number;
  /** Epoch milliseconds. */
  now: number;
}

/** Makes the one event of a settled job. Its id depends only on the job and the type, so a redelivery has the same id. */
export function eventOf(outcome: Settled, context: EventContext): UserEvent {
  const { clientId, instance, jobId, correlationId, operation, attempts } = context;
  const userId = outcome.userId ?? context.userId;
  const reference = { userId, clientId, instance, jobId, correlationId };
  switch (outcome.status) {
    case 'failed': {
      const { code, message } = outcome;
      return envelope('user.failed', { ...reference, operation, code, message, attempts }, context);
    }
    case 'superseded':
      return envelope('user.superseded', { ...reference, operation, by: outcome.by }, context);
    case 'done':
      return eventOfDone(outcome, reference, context);
  }
}

function eventOfDone(
  outcome: Done,
  reference: Pick<EventContext, 'userId' | 'clientId' | 'instance' | 'jobId' | 'correlationId'>,
  context: EventContext,
): UserEvent {
  switch (outcome.type) {
    case 'user.created': {
      const { userId, accessToken, refreshToken } = outcome;
      const existed = outcome.existed ? true : undefined;
      return envelope(outcome.type, { ...reference, userId, existed, accessToken, refreshToken }, context);
    }
    case 'user.updated': {
      const { userId, changed } = outcome;
      return envelope(outcome.type, { ...reference, userId, changed }, context);
    }
    case 'user.deleted': {
      const { existed, verified, unverified, receipt } = outcome;
      return envelope(outcome.type, { ...reference, existed, verified, unverified, receipt }, context);
    }
    case 'user.moved': {
      const { userId, fromInstance, toInstance } = outcome;
      return envelope(outcome.type, { ...reference, userId, fromInstance, toInstance }, context);
    }
  }
}

function envelope<Type extends EventType, Data extends { userId?: string | undefined }>(
  type: Type,
  data: Data,
  { source, jobId, timestamp, now }: EventContext,
) {
  return dropUndefined({
    specversion: '1.0' as const,
    id: `${jobId}/${timestamp}/${type}`,
    source,
    type,
    subject: data.userId,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json' as const,
    data: dropUndefined(data),
  });
}

/** Makes the event the same before and after a JSON round trip. A copy: an object with deleted fields is slow ever after. */
function dropUndefined<Fields extends object>(fields: Fields): Fields {
  const kept: Partial<Fields> = {};
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a field that may be undefined may be missing
  return kept as Fields;
}
