/**
 * The sandbox's own requests under /_sandbox: read its state, change the modes, reset it. Modes do not affect them, and they are not in
 * the request log.
 */
import { iso } from './dates.ts';
import { type Answer, json } from './envelope.ts';
import { changeModes } from './modes.ts';
import { isObject, parseJson } from './request.ts';
import { asListed } from './user-record.ts';
import { type World, resetWorld } from './world.ts';

export const CONTROLS_PATH = '/_sandbox';

/** All times are ISO 8601. */
export function control(method: string, path: string, text: string, world: World): Answer {
  switch (`${method} ${path}`) {
    case `GET ${CONTROLS_PATH}`:
      return json(200, overview(world));
    case `GET ${CONTROLS_PATH}/requests`:
      return json(200, requests(world));
    case `PATCH ${CONTROLS_PATH}/modes`:
      return patchModes(parseJson(text), world);
    case `POST ${CONTROLS_PATH}/reset`:
      resetWorld(world);
      return json(200, overview(world));
    default:
      return json(404, { error: `No such control: ${method} ${path}` });
  }
}

function overview({ users, log, logins, clock }: World) {
  const barredUntil = logins.barredUntil(clock());
  return {
    users: users.all().map(asListed),
    counts: log.counts,
    loginBarredUntil: barredUntil === null ? null : iso(barredUntil),
  };
}

function requests({ log }: World) {
  return log.calls.map((call) => ({
    ...call,
    at: iso(call.at),
    endedAt: call.endedAt === null ? null : iso(call.endedAt),
  }));
}

/** All or nothing: a faulty change changes no mode. */
function patchModes(patch: unknown, world: World): Answer {
  if (!isObject(patch)) {
    return json(400, { error: 'Expected a JSON object of modes', faults: [] });
  }
  const change = changeModes(world.modes, patch);
  if (!change.ok) return json(400, { error: 'Bad modes: nothing was changed', faults: change.faults });
  world.modes = change.modes;
  if ('accessTokenTtlMs' in patch) world.sessions.shorten(world.clock() + world.modes.accessTokenTtlMs);
  if ('seed' in patch) world.faults.reseed(world.modes.seed);
  return json(200, world.modes);
}
