/**
 * The two instances of a torture run: the default one, and another.
 */
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/credentials.ts';

const { instanceId, instanceKey } = SANDBOX_CREDENTIALS;
const OTHER = { id: '33333333-3333-4333-8333-333333333333', key: '44444444-4444-4444-8444-444444444444' };

export const INSTANCES = [{ id: instanceId, key: instanceKey }, OTHER];

/** Its name, and as `DAMOOV_INSTANCES_FILE` has it, besides the default one. */
export const OTHER_INSTANCE = 'other';
export const INSTANCES_FILE = JSON.stringify({ [OTHER_INSTANCE]: OTHER });
