/**
 * The simulated API: maps requests to operations, and applies the modes' faults. Knows no sockets; the endpoints carry out the
 * operations.
 */
import { type Access, admit, login, refresh } from './auth.ts';
import { type Answer, failure, underHttp200 } from './envelope.ts';
import { DROP } from './faults.ts';
import { count, page } from './filtered-page.ts';
import { noteFound, find } from './find.ts';
import * as management from './management.ts';
import { aboutOwnUser, readOwn, upload } from './own-user.ts';
import { noteCreated, create } from './registration.ts';
import type { Call, Operation } from './request-log.ts';
import type { ApiRequest } from './request.ts';
import type { Holder } from './sessions.ts';
import type { World } from './world.ts';

export interface Endpoint {
  readonly operation: Operation;
  /** Notes in the log which user the request concerns, even if a fault prevents the request. */
  readonly about?: (call: Call, request: ApiRequest, world: World) => void;
  /** The token it needs; absent: none, and the caller is ''. */
  readonly access?: Access;
  /** The body is not read: it may be large, and it is not JSON. */
  readonly ignoresBody?: true;
  readonly answer: (call: Call, request: ApiRequest, world: World, caller: Holder) => Answer;
}

const UNKNOWN: Endpoint = { operation: 'unknown', answer: () => failure(404) };
/** A path of the API with an unsupported method (seen in code). Assumption: with an envelope, for every caller. */
const WRONG_METHOD: Endpoint = { operation: 'unknown', answer: () => failure(405) };

const { noteUpdated, noteDeleted, noteMoved, update, remove, move, join } = management;

/** The endpoints by path, in lower case, and method. */
const PATHS: Readonly<Record<string, Readonly<Record<string, Endpoint>>>> = {
  '/v1/registration/create': { POST: { operation: 'create', about: noteCreated, answer: create } },
  '/v1/auth/login': { POST: { operation: 'login', answer: login } },
  '/v1/auth/refreshtoken': { POST: { operation: 'refresh', answer: refresh } },
  '/v1/management/users': {
    GET: { operation: 'read', about: aboutOwnUser, access: 'user', answer: readOwn },
    PUT: { operation: 'update', about: noteUpdated, access: 'either', answer: update },
  },
  '/v1/management/users/find': {
    GET: { operation: 'find', about: noteFound, access: 'admin', answer: find },
  },
  '/v1/management/users/getfilteredpage': { POST: { operation: 'page', access: 'admin', answer: page } },
  '/v1/management/users/count': { POST: { operation: 'count', access: 'admin', answer: count } },
  '/v1/management/users/images/upload': {
    POST: { operation: 'upload', about: aboutOwnUser, access: 'user', ignoresBody: true, answer: upload },
  },
  '/v1/management/users/instances/change': {
    POST: { operation: 'move', about: noteMoved, access: 'admin', answer: move },
  },
};

/** The paths that end in a value. */
const OPEN_PATHS: readonly { readonly path: RegExp; readonly methods: Readonly<Record<string, Endpoint>> }[] =
  [
    {
      path: /^\/v1\/management\/users\/instances\/change\/[^/]+$/,
      methods: { POST: { operation: 'join', about: aboutOwnUser, access: 'user', answer: join } },
    },
    {
      path: /^\/v1\/management\/users\/[^/]+$/,
      methods: { DELETE: { operation: 'delete', about: noteDeleted, access: 'admin', answer: remove } },
    },
  ];

/** `path` in lower case. */
export function endpointOf(method: string, path: string): Endpoint {
  const found = OPEN_PATHS.flatMap((open) => (open.path.test(path) ? [open.methods] : []));
  if (Object.hasOwn(PATHS, path)) found.unshift(PATHS[path] ?? {});
  const known = found.find((methods) => Object.hasOwn(methods, method))?.[method];
  return known ?? (found.length > 0 ? WRONG_METHOD : UNKNOWN);
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
  const caller = endpoint.access === undefined ? '' : admit(endpoint.access, request, world);
  return typeof caller === 'string' ? endpoint.answer(call, request, world, caller) : caller;
}
