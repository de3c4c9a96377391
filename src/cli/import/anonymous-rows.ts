/**
 * Gives a row that names nobody the UserId that follows from its values: the same row is the same user in every round, whatever
 * else of the file was mended, and whatever Redis has forgotten.
 */
import type { Config } from '../../config/config.ts';
import { deriveUserId } from '../../operations/derive-user-id.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/credentials.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { JobData } from './row-job.ts';

/** The data of a row's job, which names a user now; still nobody, if its instance is not configured. */
export type Identify = (data: JobData) => JobData;

/** @throws UsageError where Damoov chooses the UserIds. */
export function identifyIn({ damoov, userId: { mode, secret } }: Config): Identify {
  if (mode === 'assigned') {
    throw new UsageError(
      '--allow-anonymous: with DAMOOV_USER_ID=assigned no such row is recognised when it is added again: give each a clientId',
    );
  }
  const instances = new Map(Object.entries(damoov === 'sandbox' ? SANDBOX : damoov.instances));
  return (data) => {
    if (namesUser(data)) return data;
    const { instance: name = 'default', profile, correlationId } = data;
    const instance = instances.get(String(name));
    if (instance === undefined) return data;
    const { id, key, userIdSecret } = instance;
    const row = { profile, correlationId };
    return { ...data, userId: deriveUserId({ id, secret: userIdSecret ?? secret ?? key }, { row }) };
  };
}

export function namesUser({ clientId, userId }: JobData): boolean {
  return clientId !== undefined || userId !== undefined;
}

const SANDBOX: Record<string, { id: string; key: string; userIdSecret?: string | undefined }> = {
  default: { id: SANDBOX_CREDENTIALS.instanceId, key: SANDBOX_CREDENTIALS.instanceKey },
};
