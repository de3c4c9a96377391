/**
 * Authentication: POST /v1/Auth/Login gives tokens to the admin, /v1/Auth/RefreshToken renews a pair, and the admin's endpoints check
 * access here. The login of a user is not simulated.
 */
import { type Answer, failure, success, underHttp200 } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, isObject, parseJson } from './request.ts';
import { ADMIN } from './sessions.ts';
import type { World } from './world.ts';

/** The admin logs in with `{"email": …}` in LoginFields, which is a JSON string, and a password (documented). */
export function login(call: Call, { body, bodyFault }: ApiRequest, world: World): Answer {
  const { admin, logins, sessions, modes } = world;
  const now = world.clock();
  // No Retry-After is documented for this 429, so none is sent.
  if (!logins.admit(now, modes.loginLimit)) return failure(429);
  if (bodyFault !== undefined) return bodyFault;
  const { LoginFields: text, Password: password } = body;
  const fields = typeof text === 'string' ? parseJson(text) : undefined;
  // Assumption: unreadable LoginFields are a 400, and wrong credentials a 401 (accounts conflict).
  if (!isObject(fields)) return failure(400, [{ Key: 'LoginFields', Message: 'Expected a JSON string.' }]);
  if (fields['email'] !== admin.email || password !== admin.password) return failure(401);
  call.applied = true;
  if (modes.loginRevokes) sessions.forget((holder) => holder === ADMIN);
  return success(sessions.issue(ADMIN, now, modes.accessTokenTtlMs));
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

/** No token or an invalid one: 401; a user's token: 403 (both documented). undefined: access is granted. */
export function refuseUnlessAdmin({ headers }: ApiRequest, { sessions, clock }: World): Answer | undefined {
  const holder = sessions.holderOf(headers.authorization, clock());
  if (holder === undefined) return failure(401);
  return holder === ADMIN ? undefined : failure(403);
}
