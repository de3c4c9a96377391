/**
 * The client as one run may use it: a request leaves only while the job's lock outlives its deadline, and none of the admin's
 * leaves while the admin is known to be refused. What Damoov lets pass is told to the failure detector.
 */
import type { Circuit } from '../contract/outcome.ts';
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../damoov/errors.ts';
import type { OperationContext } from '../operations/context.ts';

type Client = OperationContext['client'];

export interface Watch {
  /** Asked just before the first byte of each request; a request it refuses ends as aborted, unsent. */
  maySend: () => boolean;
  /** Another is to try whether the admin is accepted again: for this run it is not. */
  isAdminCircuitOpen: boolean;
  /** Damoov has let a request pass. */
  passed: (circuit: Circuit, operation: DamoovOperation) => void;
}

export function watchedClient(client: Client, watch: Watch): Client {
  const { maySend, isAdminCircuitOpen, passed } = watch;
  async function ask<T>(circuit: Circuit, operation: DamoovOperation, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      passed('damoov', operation);
      passed(circuit, operation);
      return answer;
    } catch (error) {
      if (isAnswer(error)) passed('damoov', operation);
      if (isAccepted(error, circuit)) passed(circuit, operation);
      throw error;
    }
  }
  const asAdmin = <T>(operation: DamoovOperation, call: () => Promise<T>): Promise<T> =>
    isAdminCircuitOpen ? Promise.reject(adminCircuitIsOpen()) : ask('admin', operation, call);

  return {
    hasAdmin: client.hasAdmin,
    createUser: (instance, user, options) =>
      ask('instance-key', 'create', () => client.createUser(instance, user, { ...options, maySend })),
    updateUser: (userId, changes, options) =>
      asAdmin('update', () => client.updateUser(userId, changes, { ...options, maySend })),
    deleteUser: (userId, options) =>
      asAdmin('delete', () => client.deleteUser(userId, { ...options, maySend })),
    findUsers: (query, options) => asAdmin('find', () => client.findUsers(query, { ...options, maySend })),
  };
}

/** Whether Damoov itself has answered this very request, and not something on the way, or an earlier login. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof DamoovError) || !error.wasSent) return false;
  return error.status !== undefined && !AWAY.has(error.kind);
}
const AWAY: ReadonlySet<DamoovErrorKind> = new Set([
  'timeout',
  'network',
  'server',
  'malformed',
  'wrong-base-url',
]);

/** Whether a request was refused for something else than its credential. Of a create nearly every refusal may mean the key. */
function isAccepted(error: unknown, circuit: Circuit): boolean {
  if (!(error instanceof DamoovError) || OF_THE_SESSION.has(error.operation)) return false;
  return circuit === 'instance-key' ? error.kind === 'conflict' : ABOUT_THE_USER.has(error.kind);
}
const OF_THE_SESSION: ReadonlySet<DamoovError['operation']> = new Set(['login', 'refresh']);
const ABOUT_THE_USER: ReadonlySet<DamoovErrorKind> = new Set([
  'forbidden',
  'not-found',
  'conflict',
  'rejected',
  'no-result',
]);

function adminCircuitIsOpen(): DamoovError {
  return new DamoovError({ kind: 'login-barred', operation: 'login', wasSent: false });
}
