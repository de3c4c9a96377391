/**
 * `damoov-users create|update|suspend|resume|move`: adds the job of one user, and prints its result with `--wait`.
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type AddOptions, InvalidJobError } from '../../client/requests.ts';
import { type AddedJob, UserJobs } from '../../client/user-jobs.ts';
import type { CommandContext } from '../common/command-context.ts';
import { errorCode } from '../../config/read-file.ts';
import { checkInstance } from '../common/known-instance.ts';
import { outputOf } from '../terminal/output.ts';
import { type WaitOptions, printOutcome } from '../common/print-outcome.ts';
import { UsageError } from '../common/usage-error.ts';
import type { UserOptions } from '../common/with-deletions.ts';
import { withTarget } from '../common/with-redis.ts';

interface JobOptions extends UserOptions, WaitOptions, AddOptions {
  occurredAt?: string;
  correlationId?: string;
  /** A file with the data of the job in JSON, `-` for the standard input. Other options override it. */
  data?: string;
  json?: boolean;
}

interface SettingsOptions {
  turnOn?: string[];
  turnOff?: string[];
}

export interface CreateOptions extends JobOptions, SettingsOptions {
  accessToken?: boolean;
}

export interface UpdateOptions extends JobOptions, SettingsOptions {
  newClientId?: string;
  clear?: string[];
}

/** True if the job was added; with `--wait`, if the user exists. */
export async function createUser(options: CreateOptions, context: CommandContext): Promise<boolean> {
  const given = await readJobData(options, context);
  const data = {
    ...given,
    ...(options.accessToken === true && { createAccessToken: true }),
    ...withSettings(given, options),
  };
  if (namesNoUser(data)) {
    throw new UsageError('no user is named: give --client-id, --user-id or --data');
  }
  return addJob('create-user', options, context, (users, added) => users.create(data, added));
}

/** True if the job was added; with `--wait`, if the changes are applied. */
export async function updateUser(options: UpdateOptions, context: CommandContext): Promise<boolean> {
  const { clear = [], newClientId } = options;
  const given = await readJobData(options, context);
  const before = toObject(given['changes']);
  const changes = {
    ...withSettings(before, options),
    ...(newClientId !== undefined && { clientId: newClientId }),
    ...Object.fromEntries(clear.map((field) => [field, null])),
  };
  const isChanged = Object.keys(changes).length > 0;
  const data = { changes: {}, ...given, ...(isChanged && { changes: { ...before, ...changes } }) };
  // The library reports what is missing.
  return addJob('update-user', options, context, (users, added) => users.update(data, added));
}

/** True if the job was added; with `--wait`, if the user is deactivated. */
export const suspendUser = withStatus('deactivated');
/** True if the job was added; with `--wait`, if the user is active. */
export const resumeUser = withStatus('active');

function withStatus(status: 'active' | 'deactivated') {
  return async (options: JobOptions, context: CommandContext): Promise<boolean> => {
    const data = { ...(await readJobData(options, context)), changes: { status } };
    return addJob('update-user', options, context, (users, added) => users.update(data, added));
  };
}

export interface MoveOptions extends JobOptions {
  to: string;
}

/** True if the job was added; with `--wait`, if the user is in the other instance. */
export async function moveUser(options: MoveOptions, context: CommandContext): Promise<boolean> {
  const data = { ...(await readJobData(options, context)), toInstance: options.to };
  return addJob('move-user', options, context, (users, added) => users.move(data, added));
}

/** Each such job would create a user that cannot be identified. The library reports misspelt options. */
function namesNoUser(data: Record<string, unknown>): boolean {
  return Object.entries(data).every(
    ([field, value]) => value === undefined || NAMELESS.has(field) || (field === 'profile' && isEmpty(value)),
  );
}

/** Options that do not identify the user. */
const NAMELESS = new Set(['instance', 'occurredAt', 'correlationId', 'createAccessToken', 'settings']);

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

async function addJob(
  name: keyof typeof SUCCESS,
  options: JobOptions & { to?: string },
  context: CommandContext,
  add: (users: UserJobs, options: AddOptions) => Promise<AddedJob>,
): Promise<boolean> {
  const { instance, idempotencyKey, wait = false, json = false } = options;
  if (idempotencyKey === '') throw new UsageError('--idempotency-key: must not be empty');
  return withTarget(context, async (redis, config) => {
    checkInstance(instance, config);
    checkInstance(options.to, config, { option: '--to' });
    const { prefix, jobs: queue } = config.queues;
    const users = new UserJobs({ redis, prefix, queue, failAfterMs: context.reachMs });
    try {
      const job = await add(users, { idempotencyKey });
      if (wait) return await printOutcome(SUCCESS[name], options, context, (limit) => job.result(limit));
      await outputOf(context.stdout).line(json ? JSON.stringify({ jobId: job.id }) : `added: ${job.id}`);
      return true;
    } catch (error) {
      throw error instanceof InvalidJobError ? new UsageError(error.message) : error;
    } finally {
      await users.close();
    }
  });
}

/** The event that is wanted of each. */
const SUCCESS = {
  'create-user': 'user.created',
  'update-user': 'user.updated',
  'move-user': 'user.moved',
} as const;

async function readJobData(options: JobOptions, { stdin }: CommandContext): Promise<Record<string, unknown>> {
  const { data, clientId, userId, instance, occurredAt, correlationId } = options;
  const given = { clientId, userId, instance, occurredAt, correlationId };
  return {
    ...(data !== undefined && (await readJsonObject(data, stdin))),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** Options override the data, each setting by itself. */
function withSettings(data: Record<string, unknown>, options: SettingsOptions): { settings?: object } {
  const { turnOn = [], turnOff = [] } = options;
  const twice = turnOff.find((setting) => turnOn.includes(setting));
  if (twice !== undefined) throw new UsageError(`--turn-off ${twice}: it is turned on as well`);
  const all = [...turnOn.map((name) => [name, true]), ...turnOff.map((name) => [name, false])];
  if (all.length === 0) return {};
  return { settings: { ...toObject(data['settings']), ...Object.fromEntries(all) } };
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** @throws UsageError; a message never repeats the content. */
async function readJsonObject(file: string, stdin: Readable): Promise<Record<string, unknown>> {
  let read: unknown;
  try {
    read = JSON.parse(file === '-' ? await text(stdin) : await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError('--data: is not JSON');
    // The code only: the given file name may itself be the data.
    const code = errorCode(error);
    throw new UsageError(
      `--data: cannot be read (${code}): must be the name of a file, or - for the standard input`,
    );
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new UsageError('--data: must be a JSON object, the data of the job');
  }
  return { ...read };
}
