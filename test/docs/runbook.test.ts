import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDeletions } from '../../src/store/deletions/deletions.ts';
import { linesOf, newKey, receiptsOf } from '../receipts/deletions.ts';
import { makeFailedJobs } from '../support/failed-jobs.ts';
import { runCommand } from '../support/run-command.ts';
import { createWorld } from '../support/world.ts';
import { anchorsOf } from './pages.ts';

const DOCUMENTS = ['docs/operate/runbook.md', 'docs/operate/scaling.md'];
const OURS = 'npm run -s cli -- ';
const hasRedisCli = spawnSync('redis-cli', ['--version']).status === 0;

async function commandsIn(file: string): Promise<string[]> {
  const content = await readFile(file, 'utf8');
  const blocks = [...content.matchAll(/```sh\n(.*?)```/gs)].map(([, code = '']) => code);
  return blocks.flatMap((block) => block.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
}

/** All commands of the documents, each once. */
async function allCommands(): Promise<string[]> {
  return [...new Set((await Promise.all(DOCUMENTS.map(commandsIn))).flat())];
}

/** A system with something of everything: failed jobs, pending deletions, deletions before the deletion limit. */
async function createTroubledWorld() {
  const world = await createWorld({ env: { DELETIONS_PER_HOUR: '0' } });
  await makeFailedJobs(world.redis, world.prefix, { count: 3 });
  const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
  await deletions.schedule({ clientId: 'customer-4711' }, Date.now() + 3_600_000);
  await world.signUpElsewhere('customer-4712');
  await world.add('delete-user', { clientId: 'customer-4712' });
  await expect.poll(async () => await world.redis.zcard(`${world.prefix}:user-jobs:delayed`)).toBe(2);
  return world;
}

/** The files that the commands name. */
async function writeFiles() {
  await mkdir('.data', { recursive: true });
  const directory = await mkdtemp('.data/runbook-');
  onTestFinished(() => rm(directory, { recursive: true }));
  const keys = { old: newKey(), new: newKey() };
  for (const [name, { privateKey }] of Object.entries(keys)) {
    const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    await writeFile(path.join(directory, `${name}.pub.pem`), pem);
  }
  await writeFile(
    path.join(directory, 'receipts.ndjson'),
    linesOf(receiptsOf(3, ['default'], keys.old)).join(''),
  );
  await writeFile(path.join(directory, 'users.csv'), 'clientId,firstName\ncustomer-4713,Ada\n');
  return (word: string) => (/^[\w.]+\.(ndjson|pem|csv)$/.test(word) ? path.join(directory, word) : word);
}

describe('the commands of the runbook, and of the page on scaling', () => {
  it('are commands that there are, and do what they are for', { timeout: 600_000 }, async () => {
    const world = await createTroubledWorld();
    const placed = await writeFiles();
    const commands = (await allCommands()).filter((line) => line.startsWith(OURS));
    expect(commands.length).toBeGreaterThan(12);
    for (const line of commands) {
      const words = line.slice(OURS.length).split(' ').map(placed);
      let end = await runCommand(words, world.env);
      // There is no person to confirm.
      if (end.stderr.includes('confirm with --yes')) end = await runCommand([...words, '--yes'], world.env);
      const { status, stdout, stderr } = end;
      // 1 is an answer of those that compare and look; nothing else says it, and nothing 2.
      const isAnswer = /^(doctor|reconcile|deletions cancel)/.test(line.slice(OURS.length));
      expect([line, isAnswer && status === 1 ? 0 : status], stderr).toEqual([line, 0]);
      expect(stdout).not.toBe('');
      expect(stderr).not.toMatch(/error:/);
    }
  });

  it.skipIf(!hasRedisCli)('of Redis are commands of Redis', async () => {
    const world = await createTroubledWorld();
    await world.redis.set(`${world.prefix}:session:someone`, 'encrypted');
    const commands = (await allCommands()).filter((line) => line.startsWith('redis-cli '));
    expect(commands.length).toBeGreaterThan(4);
    for (const line of commands) {
      const command = line
        .replace('{damoov}', world.prefix)
        .replaceAll('redis-cli', `redis-cli -e -u ${inject('redisUrl')}`);
      const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
      expect([line, status], stderr).toEqual([line, 0]);
    }
    expect(await world.redis.exists(`${world.prefix}:session:someone`)).toBe(0);
  });

  it('are all tried here', async () => {
    const others = (await allCommands()).filter(
      (line) => !line.startsWith(OURS) && !line.startsWith('redis-cli '),
    );
    // The benchmark has a test of its own.
    expect(others).toEqual(['npm run bench -- capacity']);
  });
});

describe('the runbook', () => {
  it('quotes messages of the log, metrics and codes that there are', async () => {
    const content = await readFile('docs/operate/runbook.md', 'utf8');
    const files = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'));
    const source = (await Promise.all(files.map((file) => readFile(path.join('src', file), 'utf8')))).join(
      '\n',
    );
    const quoted = new Set(
      [...content.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' ')),
    );
    // What is said in words, with blanks: a message, unless it is a command, a setting of Redis or a line of doctor's.
    const messages = [...quoted].filter(
      (text) =>
        /^[A-Za-z][a-z,:]* [a-z]/.test(text) &&
        !/^(failed|node|npm|docker|kubectl|deletions|receipts|appendfsync|instance key|user ids) /.test(text),
    );
    expect(messages.length).toBeGreaterThan(12);
    // An error of the client begins with the operation.
    expect(messages.filter((text) => !source.includes(text.replace(/^login /, '')))).toEqual([]);
    const metrics = [...content.matchAll(/damoov_users_(\w+)/g)].map(([, name = '']) => name);
    expect(metrics.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
  });

  it('names each alert in the section that the alert itself leads to', async () => {
    const runbook = await readFile('docs/operate/runbook.md', 'utf8');
    const rules = await readFile('deploy/prometheus/alerts.yml', 'utf8');
    const told = [...rules.matchAll(/- alert: (\w+)[^]*?runbook: (\S+)/g)].map(
      ([, alert = '', where = '']) => `${alert}: ${where}`,
    );
    const sections = runbook.split(/^(?=## )/m).slice(1);
    const named = sections.flatMap((section) =>
      [...section.matchAll(/`(DamoovUsers\w+)`/g)].map(
        ([, alert = '']) => `${alert}: docs/operate/runbook.md#${anchorsOf(section)[0] ?? ''}`,
      ),
    );
    expect(told).toHaveLength(rules.match(/- alert: /g)?.length ?? 0);
    expect(named.toSorted()).toEqual(told.toSorted());
  });
});
