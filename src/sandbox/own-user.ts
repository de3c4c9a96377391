/**
 * Further uses of a user's own JWT: GET /v1/Management/users and POST /v1/Management/users/images/upload, as seen in the vendor's Android
 * and iOS apps.
 */
import { type Answer, DONE, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import type { ApiRequest } from './request.ts';
import { ADMIN, type Holder } from './sessions.ts';
import { asRead } from './user-record.ts';
import type { World } from './world.ts';

export function aboutOwnUser(call: Call, { headers }: ApiRequest, { sessions, users, clock }: World): void {
  const holder = sessions.holderOf(headers.authorization, clock());
  if (holder === undefined || holder === ADMIN) return;
  call.deviceToken = holder;
  call.clientId = users.get(holder)?.fields.ClientId ?? null;
}

/**
 * Returns an object, not an array as find does (seen in code).
 * Assumption: writes are visible at once, an inactive user can read itself, and a deleted one is a 404.
 */
export function readOwn(_call: Call, _request: ApiRequest, world: World, caller: Holder): Answer {
  const user = world.users.get(caller);
  return user === undefined ? failure(404) : success(asRead(user, false, world.modes));
}

/** A form with a picture: accepted and discarded. Assumption: no Result; the Android app ignores an optional text. */
export function upload(call: Call, _request: ApiRequest, world: World, caller: Holder): Answer {
  if (world.users.get(caller) === undefined) return failure(404);
  call.applied = true;
  return DONE;
}
