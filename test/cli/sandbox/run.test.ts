import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { Caller } from '../../sandbox/caller.ts';
import { runCommand, startCommand } from '../../support/run-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'damoov-sandbox-'));
afterAll(() => rmSync(directory, { recursive: true }));
const fileOf = (name: string, content: string) => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};

const EU = { id: '33333333-3333-4333-8333-333333333333', key: 'eu-key' };
const US = {
  id: '44444444-4444-4444-8444-444444444444',
  key: 'us-key',
  userIdSecret: 'the-secret-of-the-us',
};

/** A sandbox started by the command, and the admin's session there. */
async function openSandbox(...args: string[]): Promise<Caller> {
  const { stdout } = startCommand(['sandbox', '--port', '0', ...args], {});
  const [url] = (await once(createInterface({ input: stdout }), 'line')) as [string];
  const sandbox = new Caller(url, Number(new URL(url).port));
  await sandbox.becomeAdmin();
  return sandbox;
}

describe('`sandbox --instances`', () => {
  it('serves every instance of the file, each with its own key, and moves users between them', async () => {
    const file = fileOf('instances.json', JSON.stringify({ default: EU, us: US }));
    const sandbox = await openSandbox('--instances', file);
    const create = (clientId: string, id: string, key: string) =>
      sandbox.create({ UserFields: { ClientId: clientId } }, { InstanceId: id, InstanceKey: key });
    expect((await create('ada', EU.id, EU.key)).status).toBe(200);
    expect((await create('alan', US.id, US.key)).status).toBe(200);
    expect((await create('grace', US.id, EU.key)).status).toBe(401);
    const listed = (await sandbox.users()) as { deviceToken: string }[];
    expect(listed).toMatchObject([
      { clientId: 'ada', instanceId: EU.id },
      { clientId: 'alan', instanceId: US.id },
    ]);

    const move = { DeviceToken: listed[0]?.deviceToken, ToInstanceId: US.id };
    expect((await sandbox.move({ ...move, ToInstanceKey: EU.key })).status).toBe(422);
    expect((await sandbox.move({ ...move, ToInstanceKey: US.key })).status).toBe(200);
    const found = await sandbox.find({ ClientId: 'ada', IncludeAccountInfo: 'true' });
    const page = await sandbox.page({ IncludeAccountInfo: true });
    const inUs = { AccountInfo: { InstanceId: US.id } };
    expect(found.body).toMatchObject({ Result: [inUs] });
    expect(page.body).toMatchObject({ Result: { Users: [inUs, inUs], TotalUsers: 2 } });
    expect(await sandbox.users()).toMatchObject([
      { clientId: 'ada', instanceId: US.id },
      { clientId: 'alan', instanceId: US.id },
    ]);
  });

  it.each([
    ['a file that is not there', '/nowhere.json', '--instances: cannot be read (ENOENT)\n'],
    ['text that is no JSON', fileOf('torn.json', '{"eu": {"key": "a-secret"'), '--instances: is not JSON\n'],
    ['no instance', fileOf('none.json', '{}'), '--instances: names no instance\n'],
    ['an instance without a key', fileOf('keyless.json', '{"eu": {"id": "a"}}'), '--instances: eu.key: '],
  ])('is bad usage with %s, and repeats nothing of the file', async (_what, file, why) => {
    const { status, stderr } = await runCommand(['sandbox', '--port', '0', '--instances', file], {});
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(why) });
    expect(stderr).not.toContain('a-secret');
  });
});
