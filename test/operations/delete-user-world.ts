/** What deletions are asked for and find, in an operation's world. */
import { OURS } from './operation-world.ts';

export const C1 = { clientId: 'c-1', instance: 'default' };
export const byId = (userId: string, clientId?: string) => ({
  userId,
  ...(clientId !== undefined && { clientId }),
  instance: 'default',
});
export const there = (userId = OURS, clientId = 'c-1') => [{ userId, clientId }];
/** The requests among the calls that delete. */
export const sent = (calls: string[]) => calls.filter((call) => call.startsWith('delete'));
