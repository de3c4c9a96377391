/**
 * What an operation is given: the client, the instance, and ports for what it needs remembered. Declared here because
 * the operations need it; who provides it is not their business.
 */
import type { DamoovClient } from '../damoov/client.ts';

/** Who chooses the UserId: we derive it from the sign-up, or Damoov assigns one. */
export type UserIdMode = 'derived' | 'assigned';

/** A configured Damoov instance. */
export interface Instance {
  /** Damoov's InstanceId. */
  id: string;
  /** Damoov's InstanceKey. */
  key: string;
  /** The key of everything derived from a user of this instance. */
  secret: string;
}

/** Remembers which UserId a clientId has. A cache: it may forget at any time, and is believed only where that is safe. */
export interface UserDirectory {
  find(instance: Instance, clientId: string): Promise<string | undefined>;
  remember(instance: Instance, clientId: string, userId: string): Promise<void>;
  forget(instance: Instance, clientId: string): Promise<void>;
}

export interface OperationContext {
  client: Pick<DamoovClient, 'createUser' | 'updateUser' | 'deleteUser' | 'findUsers' | 'hasAdmin'>;
  instance: Instance;
  directory: UserDirectory;
  userIdMode: UserIdMode;
  job: {
    id: string;
    /** When the job was added, in epoch milliseconds. */
    timestamp: number;
    /** True where an earlier run may have sent the request already. */
    isRepeated: boolean;
    /** True where an earlier run was cut off, so that nobody knows how it ended. */
    wasInterrupted: boolean;
  };
  /** Aborted when the job is no longer ours: nothing may be sent after that. */
  signal: AbortSignal;
  /** Epoch milliseconds. */
  now: () => number;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}
