/**
 * Who may do what: POST /v1/Auth/Login and /v1/Auth/RefreshToken give tokens to the admin and the users,
 * and the endpoints for the admin ask here. Knows nothing of what those endpoints do.
 */
import { type Answer, failure, success, underHttp200 } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, Body, parseJson } from './request.ts';
import type { Holder } from './sessions.ts';
import { tokenOf } from './user-record.ts';
import { asUuid } from './uuid.ts';
import type { World } from './world.ts';

/**
 * The admin logs in with `{"email": …}` in LoginFields and a password, a user with `{"Devicetoken": …}` and the
 * instance's key (documented). LoginFields is a JSON string.
 */
export function login(call: Call, request: ApiRequest, world: World): Answer {
  const now = world.clock();
  // No Retry-After is documented for this 429, so none is sent.
  if (!world.logins.admit(now, world.modes.loginLimit)) return failure(429);

  const { body } = request;
  if (!(body instanceof Body)) return body;
  const fields = loginFields(body);
  // Assumption: LoginFields that cannot be read are a 400, and credentials that are wrong a 401 (accounts conflict).
  if (fields === undefined) return failure(400, [{ Key: 'LoginFields', Message: 'Expected a JSON string.' }]);

  const holder = identify(fields, body.get('Password'), request, world);
  if (holder === undefined) return failure(401);
  call.applied = true;
  if (world.modes.loginRevokes) world.sessions.revoke(holder);
  const pair = world.sessions.issue(holder, now, world.modes.accessTokenTtlMs);
  if (holder.kind === 'admin') return success(pair);
  call.deviceToken = holder.deviceToken;
  const user = world.users.get(holder.deviceToken);
  return success({ DeviceToken: user && tokenOf(user, world.modes.tokenCasing), ...pair });
}

/** Both tokens rotate (documented). */
export function refresh(call: Call, request: ApiRequest, world: World): Answer {
  const { body } = request;
  if (!(body instanceof Body)) return body;
  const holder = world.sessions.spend(body.get('AccessToken'), body.get('RefreshToken'));
  // Assumption: a deleted user's tokens cannot be refreshed.
  const isGone = holder?.kind === 'user' && world.users.get(holder.deviceToken) === undefined;
  if (holder === undefined || isGone) return badRefresh(world);

  if (holder.kind === 'user') call.deviceToken = holder.deviceToken;
  call.applied = true;
  return success(world.sessions.issue(holder, world.clock(), world.modes.accessTokenTtlMs));
}

/** No token, or one that is no good: 401; a user's token: 403 (both documented). undefined = go on. */
export function refuseUnlessAdmin(request: ApiRequest, { sessions, clock }: World): Answer | undefined {
  const holder = sessions.holderOf(request.headers.authorization, clock());
  if (holder === undefined) return failure(401);
  return holder.kind === 'admin' ? undefined : failure(403);
}

function loginFields(body: Body): object | undefined {
  const text = body.get('LoginFields');
  const fields = typeof text === 'string' ? parseJson(text) : undefined;
  return typeof fields === 'object' && fields !== null ? fields : undefined;
}

/** The spelling of the two names is exact: another one is a 401 (published by the vendor). */
function identify(
  fields: object,
  password: unknown,
  request: ApiRequest,
  { admin, instances, users }: World,
): Holder | undefined {
  if ('Devicetoken' in fields) {
    const instanceId = request.header('instanceid')?.toLowerCase() ?? '';
    const user = users.get(asUuid(fields.Devicetoken) ?? '');
    const isKnown = user !== undefined && user.instanceId === instanceId;
    if (!isKnown || password !== instances.get(instanceId)) return undefined;
    return { kind: 'user', deviceToken: user.deviceToken };
  }
  const isAdmin = 'email' in fields && fields.email === admin.email && password === admin.password;
  return isAdmin ? { kind: 'admin' } : undefined;
}

function badRefresh({ modes }: World): Answer {
  return modes.badRefresh === '419-envelope' ? underHttp200(failure(419)) : failure(Number(modes.badRefresh));
}
