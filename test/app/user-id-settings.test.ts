import { describe, expect, it } from 'vitest';
import type { DamoovAccess } from '../../src/config/config.ts';
import { userIdSettingsOf } from '../../src/app/user-id-settings.ts';

const SECRET = 'a-secret-of-the-fleet';

function settingsOf(instances: DamoovAccess['instances'], secret?: string) {
  return userIdSettingsOf(
    { userId: { mode: 'derived', ...(secret !== undefined && { secret }) }, keyWork: 2 },
    { baseUrl: 'http://127.0.0.1', instances },
  );
}

describe('the settings of UserIds', () => {
  it('name where each secret comes from', async () => {
    const instances = {
      default: { id: 'a', key: 'ka' },
      eu: { id: 'b', key: 'kb' },
      us: { id: 'c', key: 'kc', userIdSecret: 'the-secret-of-the-us' },
    };
    const variables = async (secret?: string) =>
      (await settingsOf(instances, secret)).map(({ variable }) => variable);
    expect(await variables(SECRET)).toEqual([
      'DAMOOV_USER_ID_SECRET',
      'DAMOOV_USER_ID_SECRET',
      'DAMOOV_INSTANCES_FILE (userIdSecret of us)',
    ]);
    expect(await variables()).toEqual([
      'DAMOOV_INSTANCE_KEY, as DAMOOV_USER_ID_SECRET is not set',
      'DAMOOV_INSTANCES_FILE (key of eu), as DAMOOV_USER_ID_SECRET is not set',
      'DAMOOV_INSTANCES_FILE (userIdSecret of us)',
    ]);
  });

  it('are the same for the same secret of the same instance, however it is called and wherever the secret comes from', async () => {
    const [one] = await settingsOf({ default: { id: 'AB', key: SECRET } });
    const [other] = await settingsOf({ eu: { id: 'ab', key: 'another key' } }, SECRET);
    expect([other?.place, other?.fingerprint]).toEqual([one?.place, one?.fingerprint]);
  });

  it('do not show that two instances have one secret', async () => {
    const [one, other] = await settingsOf({ eu: { id: 'b', key: 'k' }, us: { id: 'c', key: 'k' } }, SECRET);
    expect(one?.fingerprint).not.toBe(other?.fingerprint);
    expect(one?.place).not.toBe(other?.place);
  });

  it('cost whoever guesses at a secret a tenth of a second, unless a test asks for less', async () => {
    const { userId, access } = { userId: { mode: 'derived' as const }, access: { id: 'a', key: SECRET } };
    const [cheap] = await settingsOf({ default: access });
    const [dear] = await userIdSettingsOf(
      { userId },
      { baseUrl: 'http://x', instances: { default: access } },
    );
    expect(dear?.fingerprint).not.toBe(cheap?.fingerprint);
  });
});
