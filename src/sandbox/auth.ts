/**
 * Authentication: POST /v1/Auth/Login gives tokens to the admin and to users, /v1/Auth/RefreshToken renews a pair, and the endpoints for
 * either check access here.
 */
import { type Answer, failure, success, underHttp200 } from './envelope.ts';
import type { SandboxModes } from './modes.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, asUuid, headerOf, isObject, parseJson } from './request.ts';
import { ADMIN, type Holder } from './sessions.ts';
import { tokenOf } from './user-record.ts';
import type { World } from './world.ts';

/** LoginFields is a JSON string (documented) or an object (seen in shipped code); it names the account. */
export function login(call: Call, request: ApiRequest, world: World): Answer {
  const { logins, sessions, users, modes } = world;
  const now = world.clock();
  // No Retry-After is documented for this 429, so none is sent.
  if (!logins.admit(now, modes.loginLimit)) return failure(429);
  if (request.bodyFault !== undefined) return request.bodyFault;
  const fields = loginFieldsOf(request, modes);
  // Assumption: unreadable LoginFields are a 400, and wrong credentials a 401 (accounts conflict).
  if (fields === undefined) return failure(400, [{ Key: 'LoginFields', Message: 'Expected a JSON string.' }]);
  const holder = holderFor(fields, request, world);
  if (holder === undefined) return failure(401);
  call.applied = true;
  if (modes.loginRevokes) sessions.forget((other) => other === holder);
  const pair = sessions.issue(holder, now, modes.accessTokenTtlMs);
  const user = users.get(holder);
  if (user === undefined) return success(pair);
  call.deviceToken = holder;
  return success({ DeviceToken: tokenOf(user, modes.tokenCasing), ...pair });
}

function loginFieldsOf({ body }: ApiRequest, modes: SandboxModes) {
  const { LoginFields: given } = body;
  const fields = typeof given === 'string' ? parseJson(given) : modes.objectLoginFields ? given : undefined;
  return isObject(fields) ? fields : undefined;
}

/**
 * The admin has an email and a password; a user has the device token and the key of its instance, whose id is a header (documented).
 * Assumption: an inactive user logs in like any other. The sandbox does not simulate user logins by email or phone (seen in shipped
 * code): its users have no password.
 */
function holderFor(
  fields: Readonly<Record<string, unknown>>,
  request: ApiRequest,
  { admin, users, instances, modes }: World,
): Holder | undefined {
  const { Password: password } = request.body;
  const email = fieldOf(fields, 'email', modes);
  if (email !== undefined) return email === admin.email && password === admin.password ? ADMIN : undefined;
  const user = users.get(asUuid(fieldOf(fields, 'Devicetoken', modes)) ?? '');
  if (user === undefined || headerOf(request, 'instanceid')?.toLowerCase() !== user.instanceId)
    return undefined;
  return password === instances.get(user.instanceId) ? user.deviceToken : undefined;
}

/** The first letter has no case in any mode, as in every body. Null counts as not given. */
function fieldOf(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  { loginFieldCase }: SandboxModes,
): unknown {
  const key = (given: string) =>
    loginFieldCase === 'exact' ? `${given.charAt(0).toLowerCase()}${given.slice(1)}` : given.toLowerCase();
  return Object.entries(fields).find(([given]) => key(given) === key(name))?.[1] ?? undefined;
}

/** Both tokens rotate (documented). */
export function refresh(call: Call, { body, bodyFault }: ApiRequest, world: World): Answer {
  if (bodyFault !== undefined) return bodyFault;
  const { sessions, users, modes } = world;
  const holder = sessions.spend(body['AccessToken'], body['RefreshToken']);
  // Assumption: a deleted user's tokens cannot be refreshed.
  if (holder === undefined || (holder !== ADMIN && users.get(holder) === undefined)) {
    const { badRefresh } = modes;
    return badRefresh === '419-envelope' ? underHttp200(failure(419)) : failure(Number(badRefresh));
  }
  if (holder !== ADMIN) call.deviceToken = holder;
  call.applied = true;
  return success(sessions.issue(holder, world.clock(), modes.accessTokenTtlMs));
}

/** The kind of token that a request needs. */
export type Access = 'admin' | 'user' | 'either';

/**
 * The caller, or the refusal: no token or an invalid one is a 401; one of the wrong kind a 403 (both documented). Inferred: the admin's
 * token is the wrong kind for a user's request about itself.
 */
export function admit(access: Access, { headers }: ApiRequest, world: World): Holder | Answer {
  const holder = world.sessions.holderOf(headers.authorization, world.clock());
  if (holder === undefined) return failure(401);
  if (holder === ADMIN) return access === 'user' ? failure(403) : holder;
  return access === 'admin' || world.modes.ownUser === '403' ? failure(403) : holder;
}
