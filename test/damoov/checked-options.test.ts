import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DamoovClient } from '../../src/damoov/client.ts';
import { admin, startWorld } from './world.ts';

test('options that cannot be meant are refused, each by its name, and asked of nobody', async () => {
  const { server, client } = await startWorld();
  const refused = (options: object, ...names: string[]) => {
    const make = () => new DamoovClient({ baseUrl: server.url, ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`^${names.map((name) => `${name}: [^;]+`).join('; ')}$`));
  };
  refused({ admin: { email: '', password: '' } }, 'admin.email', 'admin.password');
  refused({ admin: { email: 'a', password: undefined, pasword: 'b' } }, 'admin.password', 'admin.pasword');
  for (const timeoutMs of [Number.NaN, Infinity, 0, -1, 2 ** 31, '10']) refused({ timeoutMs }, 'timeoutMs');
  for (const connections of [0, 1.5, '64']) refused({ connections }, 'connections');
  const wrong = {
    baseUrl: `${server.url}?a`,
    sessionStore: {},
    loginBudget: 1,
    traffic: null,
    now: 0,
    timeout: 1,
  };
  refused(wrong, ...Object.keys(wrong));
  await expect(client.close(Number.NaN)).rejects.toThrow('graceMs: must be a number of milliseconds');
  expect(server.received).toEqual([]);
});

test('a base URL that is none is refused, and its password not told', () => {
  let error: unknown;
  try {
    void new DamoovClient({ baseUrl: 'https//ada:kret@h', admin });
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ message: 'baseUrl: must be an http:// or https:// URL' });
  expect(inspect(error)).not.toContain('kret');
});
