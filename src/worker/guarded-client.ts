/**
 * The client as one run may use it: a request leaves only while the job's lock outlives its deadline. So two calls for one
 * user never overlap, and a worker that was frozen past its lock sends nothing more.
 */
import type { OperationContext } from '../operations/context.ts';

type Client = OperationContext['client'];

/** @param maySend asked just before the first byte of each request; a request it refuses ends as aborted, unsent. */
export function guardedClient(client: Client, maySend: () => boolean): Client {
  return {
    hasAdmin: client.hasAdmin,
    createUser: (instance, user, options) => client.createUser(instance, user, { ...options, maySend }),
    updateUser: (userId, changes, options) => client.updateUser(userId, changes, { ...options, maySend }),
    deleteUser: (userId, options) => client.deleteUser(userId, { ...options, maySend }),
    findUsers: (query, options) => client.findUsers(query, { ...options, maySend }),
  };
}
