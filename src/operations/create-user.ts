/**
 * A sign-up: the user exists afterwards, and only once. Knows what a repeated or unanswered create may have left behind;
 * knows nothing of attempts.
 */
import { DamoovError } from '../damoov/errors.ts';
import { type CreatedUser, sameUserId } from '../damoov/wire.ts';
import type { CreateUserJob } from '../contract/job.ts';
import { type Created, type Failed, type Outcome, failed } from '../contract/outcome.ts';
import type { OperationContext } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import { ambiguous, findByClientId, findByUserId } from './find-user.ts';

type SignUp = CreateUserJob['data'];

/** Makes sure that the user of a sign-up exists. */
export async function createUser(signUp: SignUp, context: OperationContext): Promise<Outcome> {
  const wanted = wantedUserId(signUp, context);
  const outcome =
    wanted === undefined
      ? await createAssigned(signUp, context)
      : await createWanted(signUp, wanted, context);
  if (outcome.status === 'done' && signUp.clientId !== undefined) {
    await context.directory.remember(context.instance, signUp.clientId, outcome.userId);
  }
  return outcome;
}

/** The id we ask Damoov for, or undefined where the choice is Damoov's. */
function wantedUserId({ userId, clientId }: SignUp, { userIdMode, instance, job }: OperationContext) {
  if (userId !== undefined) return userId;
  if (userIdMode === 'assigned') return undefined;
  return deriveUserId(
    instance,
    clientId !== undefined ? { clientId } : { jobId: job.id, timestamp: job.timestamp },
  );
}

type CreateOutcome = Created | Failed;

/** We choose the id: a look-up by it tells for certain whether an earlier create went through. */
async function createWanted(
  signUp: SignUp,
  wanted: string,
  context: OperationContext,
): Promise<CreateOutcome> {
  const { client, job } = context;
  if (client.hasAdmin) {
    for (const id of await idsToLookUp(signUp, wanted, context)) {
      if ((await findByUserId(id, context)) === undefined) continue;
      return signUp.userId === undefined || id === wanted ? existed(id) : unexpected(wanted, id);
    }
  }

  let created: CreatedUser;
  try {
    created = await send(signUp, wanted, context);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // Nothing is documented of a CustomToken sent twice: 409, 422 and 400 may all mean that it is taken.
    if (client.hasAdmin) {
      if (await findByUserId(wanted, context)) return existed(wanted);
      throw error;
    }
    if (error.kind === 'conflict') return existed(wanted);
    if (job.isRepeated) {
      return failed(
        'outcome-unknown',
        `${error.message}; without admin credentials it cannot be looked up`,
        wanted,
      );
    }
    throw error;
  }
  return sameUserId(created.userId, wanted) ? done(created) : unexpected(wanted, created.userId);
}

/** Ids under which the user may exist already: made by an earlier run of this job, or by another job we know of. */
async function idsToLookUp(
  { clientId }: SignUp,
  wanted: string,
  { job, directory, instance }: OperationContext,
) {
  const known = clientId === undefined ? undefined : await directory.find(instance, clientId);
  if (known !== undefined) return new Set([known, wanted]);
  return job.isRepeated ? [wanted] : [];
}

function unexpected(wanted: string, actual: string): Failed {
  return failed('unexpected-user-id', `asked for user ${wanted}, Damoov has user ${actual}`, wanted);
}

/** Damoov chooses the id: only the clientId can tell whether an earlier create went through. */
async function createAssigned(signUp: SignUp, context: OperationContext): Promise<CreateOutcome> {
  const { client, job } = context;
  const clientId = client.hasAdmin ? signUp.clientId : undefined;
  if (clientId !== undefined && (await mayExist(clientId, context))) {
    const users = await findByClientId(clientId, context);
    if (users.length > 1) return ambiguous(users);
    if (users[0] !== undefined) return existed(users[0].userId);
  }
  if (clientId === undefined && job.wasInterrupted) return outcomeUnknown();
  try {
    return done(await send(signUp, undefined, context));
  } catch (error) {
    if (clientId === undefined && error instanceof DamoovError && error.mayHaveBeenApplied)
      return outcomeUnknown();
    throw error;
  }
}

/** Sent again blindly, it might make a second user: a person has to decide. */
function outcomeUnknown() {
  return failed(
    'outcome-unknown',
    'the create may have been carried out, and without an id of ours, a clientId or admin credentials it cannot be looked up',
  );
}

async function mayExist(clientId: string, { job, directory, instance }: OperationContext): Promise<boolean> {
  return job.isRepeated || (await directory.find(instance, clientId)) !== undefined;
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

function existed(userId: string): Created {
  return { status: 'done', type: 'user.created', userId, existed: true };
}

function done({ userId, accessToken, refreshToken }: CreatedUser): Created {
  return {
    status: 'done',
    type: 'user.created',
    userId,
    existed: false,
    ...(accessToken !== undefined && { accessToken: accessToken.token }),
    ...(refreshToken !== undefined && { refreshToken }),
  };
}
