/** The users that are there, and others who change them. */
import { Caller } from '../sandbox/caller.ts';
import type { World } from '../support/world.ts';

export const live = async (world: World) =>
  (await world.users()).filter(({ deletedAt }) => deletedAt === null);

/** Another client with the admin's rights. */
export async function adminOf({ sandboxUrl }: World): Promise<Caller> {
  const caller = new Caller(sandboxUrl, 0);
  await caller.becomeAdmin();
  return caller;
}
