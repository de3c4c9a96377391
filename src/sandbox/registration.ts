/**
 * POST /v1/Registration/create: the only call that needs no login, but an instance's id and key.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, DONE, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, type Body, asUuid, headerOf } from './request.ts';
import { clientIdIn, readCreate } from './user-changes.ts';
import { tokenOf } from './user-record.ts';
import type { World } from './world.ts';

/** The lifetime of the access token of a create: five days (documented). */
const REGISTRATION_TOKEN_TTL_MS = 432_000_000;

export function noteCreated(call: Call, { body }: ApiRequest): void {
  call.deviceToken = asUuid(body['CustomToken']) ?? null;
  call.clientId = clientIdIn(body);
}

export function create(call: Call, request: ApiRequest, world: World): Answer {
  const instanceId = headerOf(request, 'instanceid')?.toLowerCase() ?? '';
  const key = world.instances.get(instanceId);
  if (key === undefined || key !== headerOf(request, 'instancekey')) return badKey(world);

  const { body, bodyFault } = request;
  if (bodyFault !== undefined) return bodyFault;
  const changes = readCreate(body, world.modes);
  if (changes.faults.length > 0) return failure(422, changes.faults);

  const token = chooseToken(body, world);
  if (token.kind === 'refused') return token.answer;
  const refusal = token.kind === 'fresh' ? refuseTaken(changes.fields.ClientId, world) : undefined;
  if (refusal !== undefined) return refusal;
  call.deviceToken = token.deviceToken;
  if (token.kind === 'fresh') {
    const now = world.clock();
    const user = {
      deviceToken: token.deviceToken,
      givenToken: token.givenToken,
      instanceId,
      createdAt: now,
      deletedAt: null,
      status: 'Active',
      profile: changes.profile,
      fields: changes.fields,
    } as const;
    world.users.put(user, now, world.modes.findLagMs);
    call.applied = true;
  }
  const DeviceToken = tokenOf(token, world.modes.tokenCasing);
  return success({ DeviceToken, ...tokensFor(token.deviceToken, body, world) });
}

/** The latest state counts, even if look-ups lag. */
function refuseTaken(clientId: string | null | undefined, { modes, users }: World): Answer | undefined {
  if (modes.duplicateClientId === 'allowed' || clientId === undefined || clientId === null) return undefined;
  const isTaken = users
    .all()
    .some(({ deletedAt, fields }) => deletedAt === null && fields.ClientId === clientId);
  const fault = { Key: 'UserFields.ClientId', Message: 'The field ClientId must be unique.' };
  return isTaken ? failure(Number(modes.duplicateClientId), [fault]) : undefined;
}

type ChosenToken =
  | { readonly kind: 'fresh'; readonly deviceToken: string; readonly givenToken: string }
  /** The user exists already: nothing is written. */
  | { readonly kind: 'existing'; readonly deviceToken: string; readonly givenToken: string }
  | { readonly kind: 'refused'; readonly answer: Answer };

function chooseToken(body: Body, { modes, users }: World): ChosenToken {
  const given = body['CustomToken'];
  const isGiven = given !== undefined && given !== null && given !== '';
  if (!isGiven || modes.ignoreCustomToken) return fresh(randomUUID());

  // Assumption: a CustomToken that is not a UUID is refused.
  const deviceToken = asUuid(given);
  if (deviceToken === undefined) return { kind: 'refused', answer: failure(422, [badToken('a UUID')]) };

  // With `taken` and `same`, a deleted user's token gets the most hostile answer: a 200 although the user stays deleted.
  const givenToken = typeof given === 'string' ? given : deviceToken;
  const isFree = users.get(deviceToken) === undefined && modes.deletedToken === 'free';
  if (isFree || !users.isTaken(deviceToken)) return fresh(givenToken);
  if (modes.duplicateToken === 'same') return { kind: 'existing', deviceToken, givenToken };
  if (modes.duplicateToken === 'second-user') return fresh(randomUUID());
  return { kind: 'refused', answer: failure(Number(modes.duplicateToken), [badToken('unique')]) };
}

function fresh(givenToken: string): ChosenToken {
  return { kind: 'fresh', deviceToken: givenToken.toLowerCase(), givenToken };
}

function badToken(expected: string) {
  return { Key: 'CustomToken', Message: `The field CustomToken must be ${expected}.` };
}

/** Accounts of CreateAccessToken's default conflict, so it is a mode. */
function tokensFor(deviceToken: string, body: Body, { sessions, clock, modes }: World) {
  const isWanted = body['CreateAccessToken'] ?? modes.accessTokenByDefault;
  if (isWanted !== true) return { AccessToken: null, RefreshToken: null };
  return sessions.issue(deviceToken, clock(), REGISTRATION_TOKEN_TTL_MS);
}

function badKey({ modes }: World): Answer {
  return modes.badKey === '200-empty' ? DONE : failure(Number(modes.badKey));
}
