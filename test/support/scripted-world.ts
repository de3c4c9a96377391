/**
 * A world whose worker stands before a Damoov that answers as it is told to, and of a single user.
 */
import type { Timings } from '../../src/app/app.ts';
import {
  type Answer,
  type ScriptedServer,
  scriptedServer,
  success,
  tokens,
} from '../damoov/scripted-server.ts';
import { type World, createWorld } from './world.ts';

export async function createScriptedWorld(
  env: Record<string, string> = {},
  timings: Partial<Timings> = {},
): Promise<{ world: World; damoov: ScriptedServer }> {
  const damoov = await scriptedServer();
  damoov.script('login', tokens('access', 'refresh'));
  return { damoov, world: await createWorld({ env: { DAMOOV_BASE_URL: damoov.url, ...env }, timings }) };
}

/** A look-up that finds no user. */
export const nobody: Answer = success([]);

/** A look-up that finds the user. */
export function seen(DeviceToken: string, ClientId = 'c-1'): Answer {
  return success([{ DeviceToken, UserFields: [{ ClientId }] }]);
}

/** A look-up that finds the user with the id that the first create requested. */
export function seenAsAsked({ received }: ScriptedServer): Answer {
  return (response, request) => {
    const { body = '{}' } = received.find(({ operation }) => operation === 'create') ?? {};
    return seen(wantedIn(body))(response, request);
  };
}

/** A create that is carried out. */
export const createdAsAsked: Answer = (response, request) =>
  success({ DeviceToken: wantedIn(request.body) })(response, request);

function wantedIn(body: string): string {
  return (JSON.parse(body) as { CustomToken: string }).CustomToken;
}
