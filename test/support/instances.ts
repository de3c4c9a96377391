/** The instances of a sandbox that has two. */
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/credentials.ts';

const { instanceId: id, instanceKey: key } = SANDBOX_CREDENTIALS;
export const DEFAULT = { id, key };
export const OTHER = {
  id: '33333333-3333-4333-8333-333333333333',
  key: '44444444-4444-4444-8444-444444444444',
};

/** Their configured names, by their ids at Damoov. */
export const INSTANCE_NAMES: ReadonlyMap<string, string> = new Map([
  [DEFAULT.id, 'default'],
  [OTHER.id, 'other'],
]);
