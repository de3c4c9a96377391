/**
 * The client of one run: it sends a request only if the job's lock outlives the request's deadline, and no admin request while the
 * admin's circuit is open. Reports each success to the failure detector.
 */
import type { Circuit } from '../contract/outcome.ts';
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../damoov/errors.ts';
import type { OperationContext } from '../operations/context.ts';

type Client = OperationContext['client'];

export interface Watch {
  /** Called just before the first byte of each request; if it returns false, the request ends as aborted, unsent. */
  maySend: () => boolean;
  /** Another run is the half-open probe of the admin's circuit: for this run the circuit is open. */
  isAdminCircuitOpen: boolean;
  /** Called for each request that passed a circuit. */
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
    moveUser: (userId, to, options) =>
      asAdmin('move', () => client.moveUser(userId, to, { ...options, maySend })),
    findUsers: (query, options) => asAdmin('find', () => client.findUsers(query, { ...options, maySend })),
  };
}

/** Whether Damoov itself answered this request, not a proxy and not an earlier login. */
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

/** Whether a refusal had another reason than the credential. Nearly every refusal of a create may mean the key. */
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
