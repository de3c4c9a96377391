/**
 * A world whose faults begin once the admin's session is open: logins are rationed, and after one that failed nobody tries
 * again for two seconds. What a fault does to a login is told elsewhere.
 */
import type { SandboxModes } from '../../src/sandbox/server.ts';
import { type World, createWorld } from './world.ts';

export async function createFaultyWorld(
  modes: Partial<SandboxModes>,
  env: Record<string, string> = {},
): Promise<World> {
  const world = await createWorld({ env });
  await world.run('delete-user', { clientId: 'nobody' });
  await world.setModes({ seed: 7, ...modes });
  return world;
}
