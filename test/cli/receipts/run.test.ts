import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Receipt, hashOf } from '../../../src/contract/receipt.ts';
import { eventWith, linesOf, newKey, receiptsOf } from '../../receipts/deletions.ts';
import { runCommand, runProcess } from '../../support/run-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'damoov-receipts-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(name: string, content: string | Buffer): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

const key = newKey();
const privateKey = fileOf('private.pem', key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const publicKey = fileOf(
  'public.pem',
  createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' }),
);
const receipts = receiptsOf(1200, ['default', 'eu', 'eu'], key);
const lines = linesOf(receipts);
const intact = fileOf('intact.ndjson', lines.join(''));

const verify = (args: string[], { env = {}, input = '' } = {}) =>
  runCommand(['receipts', 'verify', ...args], env, input);

describe('`receipts verify`', () => {
  it('counts the receipts of each instance in an intact file', async () => {
    const args = ['receipts', 'verify', intact, '--public-key', publicKey, '--complete'];
    expect(await runProcess(args, {})).toEqual({
      stdout: 'intact: 1,200 receipts of 2 instances (default 1-400, eu 1-800)\n',
      stderr: '',
      status: 0,
    });
  });

  it('names the first broken link, and fails', async () => {
    const changed = lines.with(729, (lines[729] ?? '').replace('"existed":true', '"existed":false'));
    const file = fileOf('changed.ndjson', changed.toSpliced(900, 1).join(''));
    expect(await verify([file, '--public-key', publicKey])).toEqual({
      stdout: 'broken at line 730: instance default, sequence 244: the hash does not match its content\n',
      stderr: '',
      status: 1,
    });
  });

  it('names the line that says nothing', async () => {
    const file = fileOf('torn.ndjson', lines.with(5, '{"version":1,"inst\n').join(''));
    expect((await verify([file, '--public-key', publicKey])).stdout).toBe('broken at line 6: is not JSON\n');
  });

  it('reads the standard input, an excerpt with repeated lines, and says so', async () => {
    const excerpt = [...lines.slice(600, 603), lines[600]].join('');
    const { stdout, status } = await verify(['-', '--public-key', publicKey], { input: excerpt });
    expect(stdout).toBe(
      'intact: 3 receipts of 2 instances (default 201-201, eu 401-402); default starts at 201; eu starts at 401; ' +
        '1 line repeated a receipt\n',
    );
    expect(status).toBe(0);
    const complete = await verify(['-', '--public-key', publicKey, '--complete'], { input: excerpt });
    expect(complete.status).toBe(1);
  });

  it('finds that the end was cut off if the head is given', async () => {
    const head = `eu=${receipts.at(-1)?.hash}`;
    expect((await verify([intact, '--public-key', publicKey, '--head', head])).status).toBe(0);
    const cut = fileOf('cut.ndjson', lines.slice(0, -1).join(''));
    expect(await verify([cut, '--public-key', publicKey, '--head', head])).toMatchObject({
      stdout: `broken at the end: instance eu, sequence 799: the head ${receipts.at(-1)?.hash} is not there\n`,
      status: 1,
    });
  });

  it('prints JSON with --json', async () => {
    const { stdout, status } = await verify([intact, '--public-key', publicKey, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      isIntact: true,
      receipts: 1200,
      duplicates: 0,
      unsigned: 0,
      chains: [
        { instance: 'default', first: 1, last: 400, head: receipts.at(-3)?.hash },
        { instance: 'eu', first: 1, last: 800, head: receipts.at(-1)?.hash },
      ],
    });
    expect(status).toBe(0);
    const broken = await verify(['-', '--public-key', publicKey, '--json'], { input: '{}\n' });
    expect(JSON.parse(broken.stdout)).toMatchObject({ isIntact: false, broken: { line: 1 } });
    expect(broken.status).toBe(1);
  });

  it('takes the key that signs here where none is named', async () => {
    expect((await verify([intact], { env: { RECEIPT_PRIVATE_KEY_FILE: privateKey } })).status).toBe(0);
    const other = fileOf('other.pem', newKey().privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const verdict = await verify([intact], { env: { RECEIPT_PRIVATE_KEY_FILE: other } });
    expect(verdict.stdout).toContain(
      `sequence 1: is signed with key ${key.keyId}, which is not among the given keys`,
    );
    expect(verdict.status).toBe(1);
  });

  it('lets unsigned receipts pass only if requested', async () => {
    const unsigned = fileOf('unsigned.ndjson', linesOf(receiptsOf(3, ['default'])).join(''));
    expect(await verify([unsigned, '--public-key', publicKey])).toMatchObject({ status: 1 });
    expect(await verify([unsigned, '--allow-unsigned'])).toMatchObject({
      stdout: 'intact: 3 receipts of 1 instance (default 1-3); 3 receipts not signed\n',
      status: 0,
    });
  });

  it('lets no name from the file reach the terminal as it is', async () => {
    const file = fileOf('odd.ndjson', linesOf(receiptsOf(1, ['a\u001b[2Jb'], key)).join(''));
    expect((await verify([file, '--public-key', publicKey])).stdout).toBe(
      'intact: 1 receipt of 1 instance ("a\\u001b[2Jb" 1-1)\n',
    );
  });

  it.each([
    ['no key', [intact], 'which key?'],
    ['no such file', ['/nowhere', '--public-key', publicKey], '/nowhere cannot be read (ENOENT)'],
    ['a directory', [directory, '--public-key', publicKey], 'cannot be read (EISDIR)'],
    ['a key that is not there', [intact, '--public-key', '/nowhere'], 'cannot be read'],
    ['a key that is none', [intact, '--public-key', intact], 'is not an Ed25519 public key'],
    [
      'a head that is none',
      [intact, '--public-key', publicKey, '--head', 'eu'],
      'must be the name of an instance',
    ],
    ['no file', [], "missing required argument 'file'"],
  ])('refuses %s', async (_what, args, message) => {
    const { stdout, stderr, status } = await verify(args);
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toContain(message);
  });
});

describe('docs/guides/receipts.md', () => {
  const documentation = readFileSync('docs/guides/receipts.md', 'utf8');
  const hasTools =
    spawnSync('openssl', ['version']).status === 0 && spawnSync('jq', ['--version']).status === 0;

  it('shows a receipt that is one', () => {
    const [, example = ''] = /```json\n(.*?)```/s.exec(documentation) ?? [];
    const receipt = Receipt.parse(JSON.parse(example));
    expect(receipt.hash).toBe(hashOf(receipt));
  });

  it.skipIf(!hasTools)('shows how to extract receipts from events, and to sort them', async () => {
    const [, command = ''] = /```sh\n(jq -c 'select.*?)```/s.exec(documentation) ?? [];
    const events = receipts.slice(0, 12).map(eventWith);
    const [first] = events;
    const others = [{ ...first, type: 'user.created' }, first];
    writeFileSync(join(directory, 'events.ndjson'), linesOf([...events.toReversed(), ...others]).join(''));
    expect(spawnSync('bash', ['-euc', command], { cwd: directory }).status).toBe(0);
    const { stdout } = await verify([
      join(directory, 'receipts.ndjson'),
      '--public-key',
      publicKey,
      '--complete',
    ]);
    expect(stdout).toBe('intact: 12 receipts of 2 instances (default 1-4, eu 1-8)\n');
  });

  it.skipIf(!hasTools)('shows how to verify a receipt by hand', () => {
    const [, byHand = ''] = /## By hand.*?```sh\n(.*?)```/s.exec(documentation) ?? [];
    const run = (line: string) => {
      writeFileSync(join(directory, 'receipt.json'), line);
      return spawnSync('bash', ['-euc', byHand], { cwd: directory, encoding: 'utf8' });
    };
    expect(run(lines[1] ?? '')).toMatchObject({
      stdout: `${receipts[1]?.hash}\nSignature Verified Successfully\n`,
      status: 0,
    });
    // Another content with the hash and signature of the first.
    const forged = run((lines[1] ?? '').replace('"existed":true', '"existed":false'));
    expect(forged.stdout).not.toContain('Verified Successfully');
  });
});
