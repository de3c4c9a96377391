/**
 * A sign-up: the user exists afterwards, and only once. Knows what a repeated or unanswered create may have left behind;
 * knows nothing of attempts.
 */
import type { CreateUserJob } from '../contract/job.ts';
import { type Created, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import { DamoovError } from '../damoov/errors.ts';
import { type CreatedUser, type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { Effect, OperationContext, UserRecord } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import { LOOK_AGAIN_AFTER_MS, ambiguous, findByClientId, findByUserId } from './find-user.ts';
import {
  AWAIT_DELETION,
  NOT_SEEN_YET,
  isBeingDeleted,
  namesOf,
  nextGeneration,
  superseded,
  withWritten,
  withoutNewer,
} from './newer-knowledge.ts';

type SignUp = CreateUserJob['data'];

/** How long after we made a user it is believed to exist without a look-up, in milliseconds. */
const TRUST_MS = 15 * 60_000;

/** Makes sure that the user of a sign-up exists. */
export async function createUser(signUp: SignUp, context: OperationContext): Promise<Effect> {
  const { record, job } = context;
  if (isOlder(job.version, record.deleted)) return { outcome: superseded('deletion', record.userId) };
  if (isBeingDeleted(record, context.now())) return { outcome: AWAIT_DELETION };
  if (record.state === 'live' && record.userId !== undefined) {
    return (await keepUser(signUp, record.userId, context)) ?? makeUser(signUp, afterLoss(context));
  }
  if (record.state === 'stray' && record.userId !== undefined) {
    const wanted = wantedUserId(signUp, context);
    if (wanted !== undefined) return stray(wanted, record.userId, context);
    const kept = await keepUser(signUp, record.userId, context);
    if (kept !== undefined) return kept;
  }
  return makeUser(signUp, context);
}

/** The id we ask Damoov for, or undefined where the choice is Damoov's. */
function wantedUserId({ userId, clientId }: SignUp, { userIdMode, instance, job, record }: OperationContext) {
  if (userId !== undefined) return userId;
  if (userIdMode === 'assigned') return undefined;
  const signUp = clientId !== undefined ? { clientId } : { jobId: job.id, timestamp: job.timestamp };
  return deriveUserId(instance, signUp, nextGeneration(record));
}

/** The user should be there: undefined where a look-up, or an update, says that it is gone. */
async function keepUser(
  signUp: SignUp,
  userId: string,
  context: OperationContext,
): Promise<Effect | undefined> {
  const { record, client, now } = context;
  if (signUp.userId !== undefined && !sameUserId(signUp.userId, userId)) {
    return { outcome: unexpected(signUp.userId, userId) };
  }
  if (!client.hasAdmin) return existed(userId, record, context);
  const isYoung = record.madeAt !== undefined && now() - record.madeAt < TRUST_MS;
  // An id that the job names may be anybody's.
  if (isYoung && signUp.userId === undefined) return adopt(signUp, { userId }, context);
  const found = await findByUserId(userId, context);
  if (found !== undefined && isOfAnother(found, signUp)) return mismatch(signUp);
  return found === undefined ? undefined : adopt(signUp, found, context);
}

/** Whether a user who has the id is another sign-up's: the clientId was changed since. */
function isOfAnother(user: DamoovUser, signUp: SignUp): boolean {
  return signUp.clientId !== undefined && user.clientId !== undefined && user.clientId !== signUp.clientId;
}

/** Only an id that the job names is a contradiction; one of ours is merely taken. */
function mismatch({ userId }: SignUp): Effect | undefined {
  if (userId === undefined) return undefined;
  return { outcome: failed('user-mismatch', 'this user has another clientId', userId) };
}

/** The id is another's: the sign-up gets the next one. */
function afterTaken(context: OperationContext): OperationContext {
  const { record } = context;
  const taken = { ...record, generation: nextGeneration(record), isInDoubt: false };
  return afterLoss({ ...context, record: taken });
}

/** The user is known to be gone, though nobody told us: the sign-up gets the next one. */
function afterLoss(context: OperationContext): OperationContext {
  return { ...context, record: { ...context.record, state: 'deleted', madeAt: undefined, fields: {} } };
}

/** The admin brings the fields of a user that is there up to date; undefined where it is not there after all. */
async function adopt(
  signUp: SignUp,
  user: DamoovUser,
  context: OperationContext,
): Promise<Effect | undefined> {
  const { client, record, job, signal, now } = context;
  const changes = withoutNewer(signUp.profile, record, job.version);
  const names = namesOf(changes);
  if (names.some((name) => changes[name] !== user[name])) {
    try {
      await client.updateUser(user.userId, changes, { signal });
    } catch (error) {
      if (error instanceof DamoovError && error.operation === 'update' && error.kind === 'not-found')
        return undefined;
      throw error;
    }
  }
  const written = withWritten(record, names, job.version);
  return existed(user.userId, { ...written, madeAt: now() }, context);
}

function existed(userId: string, record: UserRecord, context: OperationContext): Effect {
  const outcome: Created = { status: 'done', type: 'user.created', userId, existed: true };
  return live(outcome, record, context);
}

/** No user is known: the create is sent, unless an earlier one may have gone through. */
async function makeUser(signUp: SignUp, context: OperationContext): Promise<Effect> {
  const wanted = wantedUserId(signUp, context);
  const found = context.record.isInDoubt ? await resolveDoubt(signUp, wanted, context) : undefined;
  if (found !== undefined) return found;
  return wanted === undefined ? sendAssigned(signUp, context) : sendWanted(signUp, wanted, context);
}

/** What an earlier create left behind, as far as look-ups tell: undefined where it left nothing. */
async function resolveDoubt(
  signUp: SignUp,
  wanted: string | undefined,
  context: OperationContext,
): Promise<Effect | undefined> {
  const { client } = context;
  if (!client.hasAdmin) return wanted === undefined ? outcomeUnknown() : undefined;
  if (wanted !== undefined) {
    const user = await findByUserId(wanted, context);
    if (user !== undefined && isOfAnother(user, signUp)) {
      return mismatch(signUp) ?? makeUser(signUp, afterTaken(context));
    }
    if (user !== undefined) return adopt(signUp, user, context);
    // A deletion that nobody confirmed may have spent the id.
    if (signUp.userId === undefined && context.record.deletingSince !== undefined) {
      return makeUser(signUp, afterTaken(context));
    }
  }
  if (signUp.clientId === undefined) return wanted === undefined ? outcomeUnknown() : undefined;
  const users = await findByClientId(signUp.clientId, context);
  // A look-up that lags behind may show the user to the second question, and not to the first.
  const own = users.find((user) => wanted !== undefined && sameUserId(user.userId, wanted));
  if (own !== undefined) return adopt(signUp, own, context);
  if (users.length > 1) return { outcome: ambiguous(users) };
  const [user] = users;
  if (user === undefined) return undefined;
  // Damoov may have taken no notice of the id we asked for.
  return wanted === undefined ? adopt(signUp, user, context) : stray(wanted, user.userId, context);
}

/** We choose the id: a look-up by it tells for certain whether an earlier create went through. */
async function sendWanted(signUp: SignUp, wanted: string, context: OperationContext): Promise<Effect> {
  const { client, record } = context;
  let created: CreatedUser;
  try {
    created = await send(signUp, wanted, context);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // Nothing is documented of a CustomToken sent twice: 409, 422 and 400 may all mean that it is taken.
    if (client.hasAdmin) {
      const user = await findTaken(wanted, context);
      if (user !== undefined && isOfAnother(user, signUp)) {
        return mismatch(signUp) ?? makeUser(signUp, afterTaken(context));
      }
      const adopted = user && (await adopt(signUp, user, context));
      if (adopted !== undefined) return adopted;
      if (user === undefined && error.kind === 'conflict' && record.isInDoubt)
        return { outcome: NOT_SEEN_YET };
      if (isSpent(error, signUp, record)) return makeUser(signUp, afterTaken(context));
      throw error;
    }
    if (error.kind === 'conflict') return existed(wanted, record, context);
    if (!record.isInDoubt) throw error;
    const message = `${error.message}; without admin credentials it cannot be looked up`;
    return { outcome: failed('outcome-unknown', message, wanted) };
  }
  return sameUserId(created.userId, wanted)
    ? done(created, signUp, context)
    : stray(wanted, created.userId, context);
}

/** The user who has an id that was refused: an earlier create may have made it, and look-ups not show it yet. */
async function findTaken(userId: string, context: OperationContext): Promise<DamoovUser | undefined> {
  for (const delayMs of context.record.isInDoubt ? LOOK_AGAIN_AFTER_MS : [0]) {
    if (delayMs > 0) await context.pause(delayMs, context.signal);
    const user = await findByUserId(userId, context);
    if (user !== undefined) return user;
  }
  return undefined;
}

/**
 * Taken, and nobody has it: a user who was deleted longer ago than the ledger remembers. A few generations are tried, since a
 * conflict may also be about something else.
 */
function isSpent({ kind }: DamoovError, { userId }: SignUp, record: UserRecord): boolean {
  return kind === 'conflict' && userId === undefined && !record.isInDoubt && nextGeneration(record) < 5;
}

/** Damoov chooses the id: only the clientId can tell whether a create went through. */
async function sendAssigned(signUp: SignUp, context: OperationContext): Promise<Effect> {
  try {
    return done(await send(signUp, undefined, context), signUp, context);
  } catch (error) {
    const isLost = error instanceof DamoovError && error.mayHaveBeenApplied;
    if (isLost && (signUp.clientId === undefined || !context.client.hasAdmin)) return outcomeUnknown();
    throw error;
  }
}

/** Sent again blindly, it might make a second user: a person has to decide. */
function outcomeUnknown(): Effect {
  const message =
    'the create may have been carried out, and without an id of ours, a clientId or admin credentials it cannot be looked up';
  return { outcome: failed('outcome-unknown', message) };
}

/** Damoov has another user than the one asked for; it is remembered, so that no further one is made. */
function stray(wanted: string, actual: string, { record }: OperationContext): Effect {
  const learnt = { record: { ...record, userId: actual, state: 'stray' as const, isInDoubt: false } };
  return { outcome: unexpected(wanted, actual), learnt };
}

function unexpected(wanted: string, actual: string) {
  return failed('unexpected-user-id', `asked for user ${wanted}, Damoov has user ${actual}`, wanted);
}

function send(
  { profile, clientId, createAccessToken }: SignUp,
  customToken: string | undefined,
  { client, instance, signal }: OperationContext,
): Promise<CreatedUser> {
  return client.createUser(instance, { ...profile, clientId, createAccessToken, customToken }, { signal });
}

function isRefusal(error: unknown): error is DamoovError {
  return error instanceof DamoovError && error.operation === 'create' && REFUSALS.has(error.kind);
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['conflict', 'rejected']);

function done(
  { userId, accessToken, refreshToken }: CreatedUser,
  signUp: SignUp,
  context: OperationContext,
): Effect {
  const { record, job, now } = context;
  const outcome: Created = {
    status: 'done',
    type: 'user.created',
    userId,
    existed: false,
    ...(accessToken !== undefined && { accessToken: accessToken.token }),
    ...(refreshToken !== undefined && { refreshToken }),
  };
  const names = namesOf({ ...signUp.profile, clientId: signUp.clientId });
  const made = { ...record, generation: nextGeneration(record), madeAt: now(), fields: {} };
  return live(outcome, withWritten(made, names, job.version), context);
}

function live(outcome: Created, record: UserRecord, { job }: OperationContext): Effect {
  const { userId } = outcome;
  const created = newest(record.created, job.version);
  const known = { ...record, userId, created, isInDoubt: false, deletingSince: undefined };
  return { outcome, learnt: { record: { ...known, state: 'live' } } };
}
