import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AppOptions, startApp } from '../../src/app/app.ts';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/server.ts';
import { cheapConfig } from '../support/cheap-config.ts';
import { type ChangingCredentials, startChangingCredentials } from '../support/changing-credentials.ts';
import { runCommand } from '../support/run-command.ts';
import { SHORT_PROBES } from '../support/short-probes.ts';
import { type World, createWorld } from '../support/world.ts';

const OLD_KEY = SANDBOX_CREDENTIALS.instanceKey;
const NEW_KEY = '33333333-3333-4333-8333-333333333333';
const SECRET = 'a-secret-that-stays';

/** A world before a Damoov whose credentials change, and a fleet of one worker at a time. */
async function createRotation() {
  const world = await createWorld({ startsWorker: false });
  const damoov = await startChangingCredentials(world.sandboxUrl);
  let running: { close(): Promise<void> } | undefined;
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const start = async (env: Record<string, string>, options?: AppOptions) => {
    const config = cheapConfig({ ...world.env, DAMOOV_BASE_URL: damoov.url, ...env });
    const app = await startApp(config, log, SHORT_PROBES, options);
    onTestFinished(() => app.close());
    return app;
  };
  return {
    world,
    damoov,
    lines,
    start,
    /** The worker goes, and one with this environment comes. */
    restartWith: async (env: Record<string, string>, options?: AppOptions) => {
      await running?.close();
      running = await start(env, options);
    },
  };
}

async function sessionsOf({ redis, prefix }: World): Promise<string[]> {
  const keys = await redis.keys(`${prefix}:session:*`);
  return keys.filter((key) => !key.endsWith(':lease'));
}

async function signUp(world: World): Promise<string> {
  const event = await world.run('create-user', { clientId: 'c-1' });
  expect(event.type).toBe('user.created');
  return event.data.userId ?? '';
}

function changeKey(damoov: ChangingCredentials): void {
  damoov.instanceKey = NEW_KEY;
}

describe("a changed admin's password", () => {
  it('gives its workers a session of their own, beside those that still have the old one', async () => {
    const { world, damoov, start } = await createRotation();
    await start({});
    await signUp(world);
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    const before = await sessionsOf(world);
    expect(before).toHaveLength(1);

    damoov.adminPassword = 'correct horse';
    await start({ DAMOOV_ADMIN_PASSWORD: 'correct horse' });
    // Whichever of the two takes a job: the old session still holds, and the new one is one login away.
    await expect
      .poll(async () => {
        const changes = { phone: `${Math.random()}` };
        expect((await world.run('update-user', { clientId: 'c-1', changes })).type).toBe('user.updated');
        return sessionsOf(world);
      })
      .toHaveLength(2);
    expect(await sessionsOf(world)).toEqual(expect.arrayContaining(before));
    expect(await world.requests('login')).toHaveLength(2);
  });
});

describe('a changed instance key', () => {
  it('holds the sign-ups until the workers have it, and costs none', async () => {
    const { world, damoov, restartWith } = await createRotation();
    await restartWith({ DAMOOV_USER_ID_SECRET: SECRET });
    changeKey(damoov);
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    await restartWith({ DAMOOV_USER_ID_SECRET: SECRET, DAMOOV_INSTANCE_KEY: NEW_KEY });
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
  });

  it('derives the same UserId where the secret is set, so that a repeated sign-up makes no second user', async () => {
    const { world, damoov, restartWith } = await createRotation();
    await restartWith({ DAMOOV_USER_ID_SECRET: SECRET });
    const userId = await signUp(world);
    changeKey(damoov);
    await restartWith({ DAMOOV_USER_ID_SECRET: SECRET, DAMOOV_INSTANCE_KEY: NEW_KEY });
    expect(await signUp(world)).toBe(userId);
    expect(await world.users()).toHaveLength(1);
  });

  it('derives the same also where the secret was never set, once it is set to the old key', async () => {
    const { world, damoov, restartWith } = await createRotation();
    await restartWith({});
    const userId = await signUp(world);
    changeKey(damoov);
    await restartWith({ DAMOOV_USER_ID_SECRET: OLD_KEY, DAMOOV_INSTANCE_KEY: NEW_KEY });
    expect(await signUp(world)).toBe(userId);
    expect(await world.users()).toHaveLength(1);
  });

  it('without the secret is refused, or derives another UserId where that is wanted, of which each start warns', async () => {
    const { world, damoov, lines, restartWith } = await createRotation();
    await restartWith({});
    const userId = await signUp(world);
    const warning = 'DAMOOV_USER_ID_SECRET is not set: UserIds derive from the instance key';
    expect(lines.filter((line) => line.includes(warning))).toHaveLength(1);
    // The key counts as the fleet's once Damoov has accepted it.
    await expect.poll(() => world.redis.keys(`${world.prefix}:agreed:*`)).toHaveLength(1);
    changeKey(damoov);
    await expect(restartWith({ DAMOOV_INSTANCE_KEY: NEW_KEY })).rejects.toThrow('DAMOOV_INSTANCE_KEY, as');
    await restartWith({ DAMOOV_INSTANCE_KEY: NEW_KEY }, { replacesUserIdSettings: true });
    expect(await signUp(world)).not.toBe(userId);
    expect(await world.users()).toHaveLength(2);
    expect(lines.filter((line) => line.includes(warning))).toHaveLength(3);
  });

  it('of one of several instances leaves the UserIds of all as they are, with a secret of its own', async () => {
    const { world, damoov, lines, restartWith } = await createRotation();
    const directory = mkdtempSync(join(tmpdir(), 'rotation-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'instances.json');
    const id = SANDBOX_CREDENTIALS.instanceId;
    const env = { DAMOOV_INSTANCE_ID: '', DAMOOV_INSTANCE_KEY: '', DAMOOV_INSTANCES_FILE: file };
    const signUpAtEu = async () => {
      const { type, data } = await world.run('create-user', { clientId: 'c-1', instance: 'eu' });
      return [type, data.userId];
    };
    const other = { id: 'another-id', key: 'another-key' };
    writeFileSync(file, JSON.stringify({ eu: { id, key: OLD_KEY }, us: other }));
    await restartWith(env);
    const made = await signUpAtEu();
    expect(made[0]).toBe('user.created');
    changeKey(damoov);
    writeFileSync(file, JSON.stringify({ eu: { id, key: NEW_KEY, userIdSecret: OLD_KEY }, us: other }));
    await restartWith(env);
    expect(await signUpAtEu()).toEqual(made);
    expect(await world.users()).toHaveLength(1);
    const warnings = lines.filter((line) => line.includes('DAMOOV_USER_ID_SECRET is not set'));
    expect(warnings.map((line) => (JSON.parse(line) as { instances: string[] }).instances)).toEqual([
      ['eu', 'us'],
      ['us'],
    ]);
  });
});

describe("a changed receipts' key", () => {
  it('goes on with the chain, which both public keys verify together', async () => {
    const { world, restartWith } = await createRotation();
    const directory = mkdtempSync(join(tmpdir(), 'rotation-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = (name: string) => join(directory, name);
    for (const name of ['old', 'new']) {
      // As docs/guides/receipts.md says.
      execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', file(`${name}.pem`)]);
      execFileSync('openssl', [
        'pkey',
        '-in',
        file(`${name}.pem`),
        '-pubout',
        '-out',
        file(`${name}.pub.pem`),
      ]);
      await restartWith({ RECEIPT_PRIVATE_KEY_FILE: file(`${name}.pem`) });
      for (const n of [1, 2]) await world.run('delete-user', { clientId: `${name}-${n}` });
    }
    const deleted = await runCommand(['events', '--type', 'user.deleted', '--json', '-n', '1000'], world.env);
    const verify = (...keys: string[]) =>
      runCommand(
        ['receipts', 'verify', '-', '--complete', ...keys.flatMap((key) => ['--public-key', file(key)])],
        {},
        deleted.stdout,
      );
    expect(await verify('old.pub.pem', 'new.pub.pem')).toEqual({
      status: 0,
      stdout: 'intact: 4 receipts of 1 instance (default 1-4)\n',
      stderr: '',
    });
    expect(await verify('new.pub.pem')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^broken at line 1: .* which is not among the given keys\n$/),
    });
  });
});
