/**
 * The jobs a producer may add: their names, their data, and their validation. A refusal names every fault and never repeats a
 * value, which may be personal data.
 */
import { z } from 'zod';
import { ClientId } from './client-id.ts';
import { Changes, Profile, Settings, Text, UserId, WellFormed, hintFor } from './fields.ts';
import { timeFault } from './timestamp-fault.ts';

/** Limits the message, which is stored in Redis and goes into the event. */
const MOST_FAULTS = 50;

/** Replaces unknown names: any client may add a job, and any name may be personal data. */
export const UNKNOWN = 'unknown';

/** The largest job data accepted, in bytes of JSON. */
export const MAX_JOB_BYTES = 64 * 1024;

const InstanceName = WellFormed.min(1).max(64);

const common = {
  instance: InstanceName.default('default').describe(
    'The name of a configured Damoov instance; `default` if absent.',
  ),
  correlationId: WellFormed.max(256).optional().describe("The sender's own reference, copied to the event."),
  occurredAt: z.iso
    .datetime({
      offset: true,
      error: 'must be a time in ISO 8601 with a zone, such as 2027-01-31T12:00:00Z',
    })
    .optional()
    .describe(
      "When it happened at the source (ISO 8601 with a zone), from the year 2000 to an hour ahead; if absent, the job's own timestamp counts.",
    ),
};

const address = { clientId: ClientId.optional(), userId: UserId.optional() };

/** `when`: reported even if other faults were found, because one message names all faults. */
const ADDRESSED = {
  message: 'needs clientId or userId',
  when: (payload: { value: unknown }) => typeof payload.value === 'object' && payload.value !== null,
};

function isAddressed(data: { clientId?: unknown; userId?: unknown }): boolean {
  return data.clientId !== undefined || data.userId !== undefined;
}

const ADDRESSED_SCHEMA = { anyOf: [{ required: ['clientId'] }, { required: ['userId'] }] };

/** Creates the user, or finds the existing one. `userId` requests that very id. */
export const CreateUserData = z
  .strictObject({
    ...address,
    profile: Profile.default({}),
    settings: Settings.optional(),
    createAccessToken: z
      .boolean()
      .default(false)
      .describe("Whether the event contains the user's access and refresh token."),
    ...common,
  })
  .meta({
    title: 'create-user',
    description: 'A sign-up: creates the user, or finds the existing one. `userId` requests that very id.',
    examples: [
      {
        clientId: 'customer-4711',
        profile: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' },
      },
    ],
  });

/** A profile change. Only the named fields change; `null` clears one. */
export const UpdateUserData = z
  .strictObject({ ...address, changes: Changes, ...common })
  .refine(isAddressed, ADDRESSED)
  .meta({
    title: 'update-user',
    description: 'A profile change, of the user with one of the two ids. Only the named fields change.',
    examples: [{ clientId: 'customer-4711', changes: { phone: '+44 20 7946 0000', nickname: null } }],
    ...ADDRESSED_SCHEMA,
  });

/** Deletes the user and all telematics data, for ever. If both ids are given, they must belong together. */
export const DeleteUserData = z
  .strictObject({
    ...address,
    reason: Text.optional().describe('The reason; stored with the job until it ends.'),
    ...common,
  })
  .refine(isAddressed, ADDRESSED)
  .meta({
    title: 'delete-user',
    description:
      'A closed account: deletes the user and all telematics data for ever. If both ids are given, they must belong together.',
    examples: [{ clientId: 'customer-4711', reason: 'account closed' }],
    ...ADDRESSED_SCHEMA,
  });

/** The user is to be in another instance. */
export const MoveUserData = z
  .strictObject({
    ...address,
    toInstance: InstanceName.describe('The name of the configured instance that the user moves to.'),
    ...common,
  })
  .refine(isAddressed, ADDRESSED)
  .meta({
    title: 'move-user',
    description:
      'Moves the user to another configured instance. Newer jobs name it there; older ones of its old instance still reach it.',
    examples: [{ clientId: 'customer-4711', toInstance: 'eu' }],
    ...ADDRESSED_SCHEMA,
  });

/** A valid job. */
const UserJob = z.discriminatedUnion('name', [
  z.object({ name: z.literal('create-user'), data: CreateUserData }),
  z.object({ name: z.literal('update-user'), data: UpdateUserData }),
  z.object({ name: z.literal('delete-user'), data: DeleteUserData }),
  z.object({ name: z.literal('move-user'), data: MoveUserData }),
]);
export type UserJob = z.output<typeof UserJob>;
export type CreateUserJob = Extract<UserJob, { name: 'create-user' }>;
export type UpdateUserJob = Extract<UserJob, { name: 'update-user' }>;
export type DeleteUserJob = Extract<UserJob, { name: 'delete-user' }>;
export type MoveUserJob = Extract<UserJob, { name: 'move-user' }>;

export const JOB_NAMES = ['create-user', 'update-user', 'delete-user', 'move-user'] as const;
export type JobName = UserJob['name'];

/** The ids of a refused job, so that its sender can find it. */
export interface JobReference {
  clientId?: string;
  userId?: string;
  instance?: string;
  correlationId?: string;
  occurredAt?: string;
}

/** One fault of a job. */
export interface JobFault {
  /** The path in the data, such as `profile.email`; empty for the whole of it. */
  path: string;
  message: string;
}

/** A job that was refused, with every fault in one message. */
export interface InvalidJob {
  message: string;
  /** The same, one by one. */
  faults: readonly JobFault[];
  reference: JobReference;
  /** The data is too large to be read or kept. */
  isTooLarge?: true;
}

export type ParsedJob = { ok: true; job: UserJob } | { ok: false; invalid: InvalidJob };

/** The reference times for checking the times of a job, in epoch milliseconds. */
export interface JobClock {
  now: number;
  /** When the job was added, if it was. */
  timestamp?: number;
}

/** Reads a job's JSON text; refuses text that is not JSON or larger than {@link MAX_JOB_BYTES}. */
export function parseJobText(name: string, text: string, clock: JobClock = { now: Date.now() }): ParsedJob {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_JOB_BYTES) return refuseLarge(bytes);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return refuse(whole('the data is not JSON'), undefined, clock);
  }
  return parseJob(name, data, clock);
}

/** Refuses data by its size alone. */
export function refuseLarge(bytes: number): ParsedJob {
  const faults = whole(`the data is ${bytes} bytes, more than the ${MAX_JOB_BYTES} allowed`);
  return { ok: false, invalid: { message: faults[0].message, faults, reference: {}, isTooLarge: true } };
}

/** Reads a job by its name and data. */
export function parseJob(name: string, data: unknown, clock: JobClock = { now: Date.now() }): ParsedJob {
  if (!isJobName(name)) {
    const meant = JOB_NAMES.find((known) => known === name.toLowerCase().replaceAll('_', '-'));
    const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
    return refuse(whole(`unknown job name (known: ${JOB_NAMES.join(', ')})${hint}`), data, clock);
  }
  const result = UserJob.safeParse({ name, data });
  const { occurredAt } = result.success ? result.data.data : referenceOf(data);
  const times = faultsOfTimes(occurredAt, clock);
  if (result.success && times.length === 0) return { ok: true, job: result.data };
  const issues = result.error?.issues ?? [];
  return refuse([...issues.flatMap((issue) => describeIssue(name, issue)), ...times], data, clock);
}

function faultsOfTimes(occurredAt: string | undefined, { now, timestamp }: JobClock): JobFault[] {
  const happened = occurredAt && timeFault(Date.parse(occurredAt), now);
  const added = timestamp === undefined ? undefined : timeFault(timestamp, now);
  return [
    ...(happened ? [{ path: 'occurredAt', message: happened }] : []),
    ...(added === undefined ? [] : whole(`the job's own timestamp ${added}`)),
  ];
}

export function isJobName(name: string): name is JobName {
  return JOB_NAMES.some((known) => known === name);
}

function whole(message: string): [JobFault] {
  return [{ path: '', message }];
}

function refuse(faults: JobFault[], data: unknown, clock: JobClock): ParsedJob {
  const texts = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = texts.length - MOST_FAULTS;
  const shown = more > 0 ? [...texts.slice(0, MOST_FAULTS), `and ${more} more`] : texts;
  const { occurredAt, ...ids } = referenceOf(data);
  // An impossible time cannot order the job.
  const isBelieved = faultsOfTimes(occurredAt, { now: clock.now }).length === 0;
  const reference = occurredAt !== undefined && isBelieved ? { ...ids, occurredAt } : ids;
  return { ok: false, invalid: { message: shown.join('; '), faults, reference } };
}

function describeIssue(name: JobName, issue: z.core.$ZodIssue): JobFault[] {
  // The first step of every path is `data` itself.
  const path = issue.path.slice(1).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path, message: unknownKey(name, path, key) }));
  }
  return [{ path, message: issue.message }];
}

function unknownKey(name: JobName, path: string, key: string): string {
  const hint = hintFor(name, path, key);
  // An unknown key may be a misplaced value, so it is repeated only if it looks like a name.
  const shown = /^[A-Za-z][A-Za-z_]{0,39}$/.test(key) ? `"${key}"` : '(name not shown)';
  return `unknown key ${shown}${hint === undefined ? '' : `, did you mean ${hint}?`}`;
}

/** The ids and the time in the data of any job; empty if it is not JSON. */
export function referenceOfText(text: string): JobReference {
  try {
    return referenceOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function referenceOf(data: unknown): JobReference {
  const loose = z.object({
    clientId: ClientId.optional().catch(undefined),
    userId: UserId.optional().catch(undefined),
    instance: common.instance.optional().catch(undefined),
    correlationId: common.correlationId.catch(undefined),
    occurredAt: common.occurredAt.catch(undefined),
  });
  const { success, data: found } = loose.safeParse(data);
  if (!success) return {};
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
