import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ReadAs, rowOptionsOf } from '../../../src/cli/import/read-as.ts';
import { UsageError } from '../../../src/cli/shared/usage-error.ts';

const WRITTEN_AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const AS_OF = '--as-of 2026-01-02T03:04:05.000Z';

function read(content: string | Buffer, readAs: Partial<ReadAs> = {}) {
  const source = {
    head: async (most: number) => Buffer.from(content).subarray(0, most),
    writtenAt: WRITTEN_AT,
  };
  return rowOptionsOf(source, { file: 'users.csv', command: 'import', ...readAs });
}

const refusal = (content: string | Buffer, readAs?: Partial<ReadAs>) =>
  read(content, readAs).then(
    (options) => JSON.stringify(options),
    (error: unknown) => (error instanceof UsageError ? error.message : 'no UsageError'),
  );

const CSV = 'clientId;email\nc-1;a@b.c\n';
const advice = (what: string, call: string) => `${what}. Use, with your other options:\n  ${call}`;

describe('a list', () => {
  it('is of the format that is said, else of that of its name', async () => {
    expect(await read('')).toEqual({ format: 'csv' });
    expect(await read('', { file: 'users.jsonl' })).toEqual({ format: 'ndjson' });
    expect(await read('', { format: 'ndjson', delimiter: ';' })).toEqual({
      format: 'ndjson',
      delimiter: ';',
    });
    const empty = new Set(['NULL']);
    const map = new Map([['a', undefined]]);
    expect(await read('', { file: '-', format: 'csv', map, empty })).toEqual({ format: 'csv', map, empty });
  });

  it('of another system is of the format that it has', async () => {
    for (const [content, format] of [
      [' \n[{}]', 'json'],
      ['\uFEFF{"users":[', 'json'],
      [CSV, 'csv'],
    ] as const) {
      expect(await read(content, { file: 'export', from: 'keycloak' })).toEqual({ format, from: 'keycloak' });
    }
  });

  it('of a format that nothing tells is refused', async () => {
    for (const file of ['users.xlsx', '-']) {
      expect(await refusal('clientId\n', { file })).toBe(
        '--format: csv or ndjson? The name of the file does not tell',
      );
    }
  });
});

describe('what is no list', () => {
  it.each([
    [
      {},
      'users.csv is compressed with gzip',
      `gunzip -c users.csv | damoov-users import - --format csv ${AS_OF}`,
    ],
    [
      { file: 'a/b.ndjson.gz' },
      'a/b.ndjson.gz is compressed with gzip',
      `gunzip -c a/b.ndjson.gz | damoov-users import - --format ndjson ${AS_OF}`,
    ],
    [
      { file: 'b.json.gz' },
      'b.json.gz is compressed with gzip',
      `gunzip -c b.json.gz | damoov-users import - --format ndjson ${AS_OF}`,
    ],
    [
      { file: 'b.gz' },
      'b.gz is compressed with gzip',
      `gunzip -c b.gz | damoov-users import - --format csv ${AS_OF}`,
    ],
    [
      { file: 'b.gz', format: 'ndjson' },
      'b.gz is compressed with gzip',
      `gunzip -c b.gz | damoov-users import - --format ndjson ${AS_OF}`,
    ],
    [
      { file: 'b.gz', from: 'auth0' },
      'b.gz is compressed with gzip',
      `gunzip -c b.gz | damoov-users import - --from auth0 ${AS_OF}`,
    ],
    [
      { command: 'reconcile', delimiter: '\t' },
      'users.csv is compressed with gzip',
      `gunzip -c users.csv | damoov-users reconcile - --format csv --delimiter tab ${AS_OF}`,
    ],
    [
      { delimiter: '|' },
      'users.csv is compressed with gzip',
      `gunzip -c users.csv | damoov-users import - --format csv --delimiter '|' ${AS_OF}`,
    ],
    [
      { file: '-', format: 'csv' },
      'the standard input is compressed with gzip',
      `… | gunzip -c | damoov-users import - --format csv ${AS_OF}`,
    ],
    [
      { file: "-it's.csv" },
      "-it's.csv is compressed with gzip",
      String.raw`gunzip -c './-it'\''s.csv' | damoov-users import - --format csv ${AS_OF}`,
    ],
    [
      { asOf: 0 },
      'users.csv is compressed with gzip',
      'gunzip -c users.csv | damoov-users import - --format csv --as-of 1970-01-01T00:00:00.000Z',
    ],
  ] as [Partial<ReadAs>, string, string][])(
    'is told with the command that helps: %j',
    async (readAs, what, call) => {
      expect(await refusal(gzipSync(CSV), readAs)).toBe(advice(what, call));
    },
  );

  it('is told with a time that can be said, also where the clock of the file is ahead', async () => {
    const now = Date.now();
    const told = await refusal(gzipSync(CSV), { asOf: now + 3_600_000 });
    const asOf = Date.parse(/--as-of (\S+)$/.exec(told)?.[1] ?? '');
    expect(asOf).toBeGreaterThanOrEqual(now);
    expect(asOf).toBeLessThanOrEqual(Date.now());
  });

  it('and that no command makes a list of is told with what does', async () => {
    expect(await refusal('<html>')).toMatch(/^users\.csv is HTML: open it in a browser\..* CSV UTF-8$/);
    expect(await refusal('{"clientId":"a"}', { file: 'users.json' })).toBe(
      'users.json is JSON, and no CSV. If it has an object a line, say --format ndjson',
    );
  });

  it('is told with the format and the delimiter of what the command writes', async () => {
    const sep = await refusal(`sep=;\n${CSV}`, { file: 'users.txt' });
    expect(sep).toContain(
      "tail -n +2 users.txt | damoov-users import - --format csv --delimiter ';' --as-of",
    );
    const json = await refusal('[{"clientId":"a"}]', { file: 'users.json' });
    expect(json).toContain("jq -c '.[]' users.json | damoov-users import - --format ndjson --as-of");
    const map = new Map([['kundennr', 'clientId' as const]]);
    expect(await refusal('Liste\nKundennr;E-Mail;x\n', { map })).toContain('tail -n +2 users.csv');
    expect(await refusal('Liste\nKundennr|E-Mail|x\n', { map, delimiter: '|' })).toContain(
      'tail -n +2 users.csv',
    );
    expect(await refusal('Liste\nRecord ID;Email;x\n', { from: 'hubspot' })).toContain(
      'tail -n +2 users.csv',
    );
  });

  it.each([
    ['gunzip', gzipSync(CSV)],
    ['tail, for what Excel wants', `sep=;\r\n${CSV}`],
    ['tail, for title rows', `All users\n\n${CSV}`],
    ['iconv', Buffer.from(`\uFEFF${CSV}`, 'utf16le')],
    ['iconv, without a mark', Buffer.from(CSV, 'utf16le')],
    ['iconv, without a mark, big end first', Buffer.from(CSV, 'utf16le').swap16()],
  ])('becomes one by the command that is told: %s', async (_what, content) => {
    const directory = await mkdtemp(join(tmpdir(), 'read-as-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "it's a list.csv");
    await writeFile(file, content);
    const [, call = ''] = (await refusal(content, { file })).split('options:\n');
    const [command = ''] = call.split(' | damoov-users');
    expect(execFileSync('sh', ['-c', command]).toString()).toBe(CSV);
  });
});
