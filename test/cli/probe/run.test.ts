import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { FactsFile } from '../../../src/tools/probe/facts.ts';
import { type CommandEnd, runCommand, startCommand } from '../../support/run-command.ts';
import { SANDBOX_CREDENTIALS, type SandboxModes } from '../../../src/sandbox/server.ts';
import { createWorld } from '../../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'damoov-probe-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fileOf = (name: string) => join(directory, name);
const DEFAULT = { id: SANDBOX_CREDENTIALS.instanceId, key: SANDBOX_CREDENTIALS.instanceKey };
const SECOND = {
  id: '55555555-5555-4555-8555-555555555555',
  key: '66666666-6666-4666-8666-666666666666',
};
const instancesFile = fileOf('instances.json');
writeFileSync(instancesFile, JSON.stringify({ second: SECOND }));

const probeArgs = (file: string, ...more: string[]) => [
  'probe',
  '--instance',
  'default',
  '--yes-this-instance-is-disposable',
  '--out',
  file,
  ...more,
];

/** A sandbox and a probe with one clock, which advances whenever the probe waits, so that the test does not wait. */
async function createProbeWorld(modes: Partial<SandboxModes> = {}, env: Record<string, string> = {}) {
  let skippedMs = 0;
  const clock = {
    now: () => performance.now() + skippedMs,
    async pause(ms: number, signal?: AbortSignal) {
      signal?.throwIfAborted();
      skippedMs += ms;
    },
  };
  const sandbox = { instances: [DEFAULT, SECOND], clock: () => Date.now() + skippedMs };
  const world = await createWorld({ startsWorker: false, modes, sandbox, env });
  return {
    ...world,
    start: (file: string, ...more: string[]) =>
      startCommand(probeArgs(file, ...more), world.env, undefined, { clock }),
    probe: (file: string, ...more: string[]): Promise<CommandEnd> =>
      runCommand(probeArgs(file, ...more), world.env, undefined, { clock }),
    async usersLeft(): Promise<string[]> {
      const users = await world.users();
      return users.filter(({ deletedAt }) => deletedAt === null).map(({ deviceToken }) => deviceToken);
    },
  };
}

describe('`probe`', () => {
  it('writes into a file, and - is none', async () => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await runCommand(probeArgs('-'), world.env);
    expect(status).toBe(2);
    expect(stderr).toContain("'--out <file>' argument '-' is invalid. must be the name of a file, not -");
    expect(await world.requests()).toEqual([]);
  });

  it('sends nothing unless it is told that the instance is disposable', async () => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await runCommand(['probe', '--instance', 'default'], world.env);
    expect(status).toBe(2);
    expect(stderr).toContain('--yes-this-instance-is-disposable');
    expect(await world.requests()).toEqual([]);
  });

  it.each([
    [['--instance', 'other'], {}, 'known: default'],
    [['--second-instance', 'other'], {}, '--second-instance: there is no such instance (known: default)'],
    [['--second-instance', 'default'], {}, '--second-instance: is the same instance'],
    [['--out', '/nowhere/facts.json'], {}, '--out: /nowhere is not a writable directory'],
    [[], { DAMOOV_ADMIN_EMAIL: '', DAMOOV_ADMIN_PASSWORD: '' }, 'set DAMOOV_ADMIN_EMAIL'],
  ])('called with %j and %j sends nothing, and says why', async (args, env, why) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await runCommand(probeArgs(fileOf('none.json'), ...args), {
      ...world.env,
      ...env,
    });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(why) });
    expect(await world.requests()).toEqual([]);
  });

  it('reports what it saw, writes the facts, deletes what it made, and logs in once in two runs', async () => {
    const world = await createProbeWorld({ duplicateToken: '409', findLagMs: 10_000 });
    const file = fileOf('facts.json');
    const { status, stdout } = await world.probe(file, '--try-wrong-key');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}repeatedToken +409 +409 \(CustomToken: /m);
    expect(stdout).toMatch(/^ {2}holds +the UserId is the one that we choose$/m);
    expect(stdout).toMatch(/^ {2}DAMOOV_USER_ID=derived/m);
    const facts = FactsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
    expect(facts).toMatchObject({ instance: 'default', baseUrl: world.sandboxUrl });
    expect(facts.facts.findLagMs.create).toBeGreaterThanOrEqual(5_000);
    expect(await world.usersLeft()).toEqual([]);

    const again = await world.probe(file, '--json');
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      file,
      facts: {
        wrongKey: { is: 'not-tried' },
        repeatedMove: { is: 'not-tried' },
        loginRevokes: { is: 'not-tried' },
      },
      leftovers: { userIds: [], isInDoubt: false },
    });
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('moves a user to the second instance and logs one in, if told to', async () => {
    const world = await createProbeWorld({ repeatedMove: '422' }, { DAMOOV_INSTANCES_FILE: instancesFile });
    const file = fileOf('more.json');
    const { status, stdout } = await world.probe(file, '--try-logins', '--second-instance', 'second');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}repeatedMove +422 /m);
    expect(stdout).toMatch(/^ {2}loginRevokes +no /m);
    expect(await world.usersLeft()).toEqual([]);
    expect(await world.requests('login')).toHaveLength(3);
  });

  it('takes the logins of a user from the budget of the fleet', async () => {
    const world = await createProbeWorld({}, { DAMOOV_LOGINS_PER_HOUR: '1' });
    const { status, stdout } = await world.probe(fileOf('spent.json'), '--try-logins');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}loginRevokes +unknown +the login budget is used up$/m);
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('lets no key, password or token into its report or its file', async () => {
    const world = await createProbeWorld();
    const file = fileOf('secrets.json');
    const { stdout, stderr } = await world.probe(file, '--json', '--try-wrong-key');
    const tokens = (await world.users()).map(({ deviceToken }) => deviceToken);
    const {
      DAMOOV_INSTANCE_KEY: key = '',
      DAMOOV_ADMIN_PASSWORD: password = '',
      DAMOOV_INSTANCE_ID: id = '',
    } = world.env;
    for (const secret of [key, password, id, ...tokens]) {
      expect(`${stdout}${stderr}${readFileSync(file, 'utf8')}`).not.toContain(secret);
    }
  });

  it('stopped by Ctrl-C deletes what it has made so far, and writes no facts', async () => {
    const world = await createProbeWorld({ latencyMs: 10 });
    const file = fileOf('stopped.json');
    const command = world.start(file, '--json');
    const said: string[] = [];
    const lines = createInterface({ input: command.stderr }).on('line', (line) => {
      said.push(line);
      if (line === 'probing updates') command.signal('SIGINT');
    });
    const [stdout, status] = await Promise.all([text(command.stdout), command.exit, once(lines, 'close')]);
    expect(status).toBe(1);
    expect(said).toContain('the probe failed: stopped by SIGINT');
    expect(JSON.parse(stdout)).toMatchObject({ failure: 'stopped by SIGINT', leftovers: { userIds: [] } });
    expect(existsSync(file)).toBe(false);
    expect((await world.users()).length).toBeGreaterThan(0);
    expect(await world.usersLeft()).toEqual([]);
  });

  it('makes nobody where the logins of the hour are spent', async () => {
    const world = await createProbeWorld({}, { DAMOOV_LOGINS_PER_HOUR: '1' });
    await world.redis.zadd(`${world.prefix}:logins`, Date.now(), 'somebody');
    const { status, stderr } = await world.probe(fileOf('barred.json'));
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('is barred for now') });
    expect(await world.requests()).toEqual([]);
  });
});
