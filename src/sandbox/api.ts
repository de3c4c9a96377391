/**
 * The simulated API: maps requests to operations, and applies the modes' faults. Knows no sockets; the endpoints carry out the
 * operations.
 */
import { login, refresh, refuseUnlessAdmin } from './auth.ts';
import { type Answer, failure, underHttp200 } from './envelope.ts';
import { DROP } from './faults.ts';
import * as management from './management.ts';
import { aboutCreate, create } from './registration.ts';
import type { Call, Operation } from './request-log.ts';
import type { ApiRequest } from './request.ts';
import type { World } from './world.ts';

/** One operation of the API. */
export interface Endpoint {
  readonly operation: Operation;
  /** Notes in the log which user the request concerns, even if a fault prevents the request. */
  readonly about?: (call: Call, request: ApiRequest, world: World) => void;
  readonly isForAdmin?: true;
  readonly answer: (call: Call, request: ApiRequest, world: World) => Answer;
}

const UNKNOWN: Endpoint = { operation: 'unknown', answer: () => failure(404) };

const DELETE: Endpoint = {
  operation: 'delete',
  about: management.aboutDelete,
  isForAdmin: true,
  answer: management.remove,
};

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['POST /v1/registration/create', { operation: 'create', about: aboutCreate, answer: create }],
  ['POST /v1/auth/login', { operation: 'login', answer: login }],
  ['POST /v1/auth/refreshtoken', { operation: 'refresh', answer: refresh }],
  [
    'GET /v1/management/users/find',
    { operation: 'find', about: management.aboutFind, isForAdmin: true, answer: management.find },
  ],
  [
    'PUT /v1/management/users',
    { operation: 'update', about: management.aboutUpdate, isForAdmin: true, answer: management.update },
  ],
  [
    'POST /v1/management/users/getfilteredpage',
    { operation: 'page', isForAdmin: true, answer: management.page },
  ],
  [
    'POST /v1/management/users/instances/change',
    { operation: 'move', about: management.aboutMove, isForAdmin: true, answer: management.move },
  ],
]);

/** `path` in lower case. */
export function endpointOf(method: string, path: string): Endpoint {
  const endpoint = ENDPOINTS.get(`${method} ${path}`);
  if (endpoint !== undefined) return endpoint;
  return method === 'DELETE' && path.startsWith(management.DELETE_PREFIX) ? DELETE : UNKNOWN;
}

/** Carries out a request. Its effect is complete on return; only the answer may be late. */
export function carryOut(
  endpoint: Endpoint,
  call: Call,
  request: ApiRequest,
  world: World,
): Answer | typeof DROP {
  const { modes, faults } = world;
  endpoint.about?.(call, request, world);
  const answer = faults.before(modes, world.clock()) ?? answerTo(endpoint, call, request, world);
  if (answer === DROP || (call.applied && faults.losesAnswer(modes))) return DROP;
  return modes.envelopeErrors ? underHttp200(answer) : answer;
}

function answerTo(endpoint: Endpoint, call: Call, request: ApiRequest, world: World): Answer {
  const refusal = endpoint.isForAdmin ? refuseUnlessAdmin(request, world) : undefined;
  return refusal ?? endpoint.answer(call, request, world);
}
