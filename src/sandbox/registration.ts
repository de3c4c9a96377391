/**
 * POST /v1/Registration/create: the one call that needs no log-in, only an instance's id and key. Knows
 * nothing of the other endpoints.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, DONE, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, Body } from './request.ts';
import { clientIdIn, readCreate } from './user-changes.ts';
import { EMPTY_PROFILE, FRESH_FIELDS } from './user-record.ts';
import { asUuid } from './uuid.ts';
import type { World } from './world.ts';

/** The access token that comes with a create: five days (documented). */
const REGISTRATION_TOKEN_TTL_MS = 432_000_000;

export function aboutCreate(call: Call, request: ApiRequest): void {
  const { body } = request;
  if (!(body instanceof Body)) return;
  call.deviceToken = asUuid(body.get('CustomToken')) ?? null;
  call.clientId = clientIdIn(body);
}

export function create(call: Call, request: ApiRequest, world: World): Answer {
  const instanceId = request.header('instanceid')?.toLowerCase() ?? '';
  const key = world.instances.get(instanceId);
  if (key === undefined || key !== request.header('instancekey')) return badKey(world);

  const { body } = request;
  if (!(body instanceof Body)) return body;
  const changes = readCreate(body);
  if (changes.faults.length > 0) return failure(422, changes.faults);

  const token = chooseToken(body, world);
  if (token.kind === 'refused') return token.answer;
  call.deviceToken = token.deviceToken;
  if (token.kind === 'fresh') {
    const now = world.clock();
    const user = {
      deviceToken: token.deviceToken,
      instanceId,
      createdAt: now,
      deletedAt: null,
      status: 'Active',
      profile: { ...EMPTY_PROFILE, ...changes.profile },
      fields: { ...FRESH_FIELDS, ...changes.fields },
    } as const;
    world.users.put(user, now, world.modes.findLagMs);
    call.applied = true;
  }
  return success({ DeviceToken: token.deviceToken, ...tokensFor(token.deviceToken, body, world) });
}

type ChosenToken =
  | { readonly kind: 'fresh'; readonly deviceToken: string }
  /** It exists already: nothing is written. */
  | { readonly kind: 'existing'; readonly deviceToken: string }
  | { readonly kind: 'refused'; readonly answer: Answer };

function chooseToken(body: Body, { modes, users }: World): ChosenToken {
  const given = body.get('CustomToken');
  const isGiven = given !== undefined && given !== null && given !== '';
  if (!isGiven || modes.ignoreCustomToken) return { kind: 'fresh', deviceToken: randomUUID() };

  // Assumption: a CustomToken that is no UUID is refused; one in capitals is kept and echoed in lower case.
  const deviceToken = asUuid(given);
  if (deviceToken === undefined) return { kind: 'refused', answer: failure(422, [badToken('a UUID')]) };

  // Assumption: a deleted user's token stays taken for good. The most hostile reading: under `same` the answer
  // is a 200 for a user that does not come back.
  if (!users.isTaken(deviceToken)) return { kind: 'fresh', deviceToken };
  if (modes.duplicateToken === 'same') return { kind: 'existing', deviceToken };
  if (modes.duplicateToken === 'second-user') return { kind: 'fresh', deviceToken: randomUUID() };
  return { kind: 'refused', answer: failure(Number(modes.duplicateToken), [badToken('unique')]) };
}

function badToken(expected: string) {
  return { Key: 'CustomToken', Message: `The field CustomToken must be ${expected}.` };
}

/** Assumption: no CreateAccessToken means false; the accounts of its default conflict. */
function tokensFor(deviceToken: string, body: Body, { sessions, clock }: World) {
  if (body.get('CreateAccessToken') !== true) return { AccessToken: null, RefreshToken: null };
  return sessions.issue({ kind: 'user', deviceToken }, clock(), REGISTRATION_TOKEN_TTL_MS);
}

function badKey({ modes }: World): Answer {
  return modes.badKey === '200-empty' ? DONE : failure(Number(modes.badKey));
}
