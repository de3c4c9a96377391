import { gzipSync } from 'node:zlib';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { createColumns } from '../../src/rows/columns.ts';
import { PRESETS } from '../../src/rows/presets.ts';
import { type RecogniseOptions, recognise } from '../../src/rows/recognise-format.ts';
import { FIELDS, type Field } from '../../src/rows/row.ts';

function recognised(content: string | Buffer, options: Partial<RecogniseOptions> = {}) {
  const columns = createColumns();
  return recognise(Buffer.from(content), { format: 'csv', delimiter: undefined, columns, ...options });
}

const hex = (text: string) => Buffer.concat([Buffer.from(text, 'hex'), Buffer.from('rest')]);
const zip = (name: string) => Buffer.concat([Buffer.from('504b030414000600', 'hex'), Buffer.from(name)]);
const CSV = 'clientId,email\r\nc-1,é\r\n';

describe('a file', () => {
  it.each([
    ['compressed with gzip', gzipSync(CSV), { is: 'is compressed with gzip', command: 'gunzip -c' }],
    ['compressed with bzip2', hex('425a68'), { is: 'is compressed with bzip2', command: 'bunzip2 -c' }],
    ['compressed with xz', hex('fd377a585a00'), { is: 'is compressed with xz', command: 'xz -dc' }],
    ['compressed with zstd', hex('28b52ffd'), { is: 'is compressed with zstd', command: 'zstd -dc' }],
    ['of Excel', zip('[Content_Types].xml'), { command: 'in2csv -I', format: 'csv' }],
    ['of Excel, in another order', zip('xl/workbook.xml'), { command: 'in2csv -I', format: 'csv' }],
    ['of an old Excel', hex('d0cf11e0a1b11ae1'), { command: 'in2csv -I', format: 'csv' }],
    [
      'of LibreOffice',
      zip('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'),
      { is: expect.stringContaining('as CSV UTF-8') as string },
    ],
    ['in a zip archive', zip('users.csv'), { is: 'is a zip archive', command: 'unzip -p' }],
    ['of UTF-16', Buffer.from(`\uFEFF${CSV}`, 'utf16le'), { command: 'iconv -f UTF-16 -t UTF-8' }],
    [
      'of UTF-16, big end first',
      Buffer.from(`\uFEFF${CSV}`, 'utf16le').swap16(),
      { command: 'iconv -f UTF-16 -t UTF-8' },
    ],
    ['of UTF-16 without a mark', Buffer.from(CSV, 'utf16le'), { command: 'iconv -f UTF-16LE -t UTF-8' }],
    [
      'of UTF-16 without a mark, big end first',
      Buffer.from(CSV, 'utf16le').swap16(),
      { command: 'iconv -f UTF-16BE -t UTF-8' },
    ],
    [
      'of UTF-16 without a mark, in another script',
      Buffer.from(`clientId;email\n${'Ж'.repeat(90)}`, 'utf16le'),
      { command: 'iconv -f UTF-16LE -t UTF-8' },
    ],
    ['of UTF-32', hex('fffe0000'), { command: 'iconv -f UTF-32 -t UTF-8' }],
    ['of UTF-32, big end first', hex('0000feff'), { command: 'iconv -f UTF-32 -t UTF-8' }],
    [
      'of HTML',
      '\uFEFF\n<!DOCTYPE html><title>Log in</title>',
      { is: expect.stringContaining('is HTML') as string },
    ],
    ['of HTML, a table', '<TABLE><tr><td>clientId', { is: expect.stringContaining('is HTML') as string }],
    ['of XML', '<?xml version="1.0"?><Workbook>', { is: expect.stringContaining('is XML') as string }],
    [
      'that begins with sep=',
      `\uFEFFsep=;\r\nclientId;email\r\n`,
      { command: 'tail -n +2', format: 'csv', delimiter: ';' },
    ],
    ['that begins with "sep=,"', `"sep=,"\n${CSV}`, { command: 'tail -n +2', format: 'csv', delimiter: ',' }],
    [
      'with title rows',
      `Users\r\n\r\nExported by;admin\r\nclientId;email\r\n1;2`,
      { is: 'has its header in line 4', command: 'tail -n +4', format: 'csv' },
    ],
    [
      'with a title row before a header of one column',
      'All of them\n"E-Mail"\na@b.c\n',
      { command: 'tail -n +2', format: 'csv' },
    ],
    [
      'with blank lines, a title row and unknown columns',
      '\n\nAll users,,\nid,Email,Phone Number\n',
      { command: 'tail -n +4', format: 'csv' },
    ],
  ])('%s is recognised', (_what, content, expected) => {
    expect(recognised(content)).toMatchObject(expected);
  });

  it.each([
    ['a JSON array', '[{"clientId":"a"}]', { command: "jq -c '.[]'", format: 'ndjson' }],
    ['a JSON array over several lines', '\uFEFF[\n  {\n', { command: "jq -c '.[]'", format: 'ndjson' }],
    ['an object with users', '{"users": [{"localId":1}]}', { command: "jq -c '.users[]'", format: 'ndjson' }],
    [
      'an object with users further on',
      '{\n  "realm": "x",\n  "users" : [\n',
      { command: "jq -c '.users[]'", format: 'ndjson' },
    ],
    [
      'an object over several lines',
      '{\n  "clientId": "a"\n}\n{\n',
      { command: 'jq -c .', format: 'ndjson' },
    ],
  ])('that is %s is recognised, whatever it is called', (_what, content, expected) => {
    for (const format of ['csv', 'ndjson', undefined] as const) {
      expect(recognised(content, { format })).toMatchObject(expected);
    }
  });

  it('that has an object a line is recognised where it is taken for a CSV, or for nothing', () => {
    expect(recognised('{"clientId":"a"}\n', { format: 'csv' })).toMatchObject({
      is: expect.stringContaining('--format ndjson') as string,
    });
    expect(recognised('{"clientId":"a"}\n', { format: undefined })).toBeDefined();
    expect(recognised('{"clientId":"a"}\n{"clientId":"b"}\n', { format: 'ndjson' })).toBeUndefined();
  });

  it('with the columns of a map or a preset has its header where those are', () => {
    const map = new Map<string, Field | undefined>([
      ['kundennr', 'clientId'],
      ['notiz', undefined],
    ]);
    const content = 'Liste\nKundennr|Notiz|Farbe\n';
    expect(recognised(content, { columns: createColumns(map), delimiter: '|' })).toMatchObject({
      command: 'tail -n +2',
    });
    expect(recognised(content)).toBeUndefined();
    const nameless = createColumns(new Map([['', undefined]]));
    expect(recognised('Liste\n\nclientId,,\n', { columns: nameless })).toMatchObject({
      command: 'tail -n +3',
    });
    const hubspot = createColumns(undefined, PRESETS.hubspot);
    expect(recognised('Contacts\nRecord ID,Email\n', { columns: hubspot })).toMatchObject({
      command: 'tail -n +2',
    });
    const firebase = createColumns(undefined, PRESETS.firebase);
    expect(recognised('u1,x\nemail,localId\n', { columns: firebase })).toBeUndefined();
    expect(recognised('{"users": [\n', { columns: firebase })).toBeUndefined();
    expect(recognised('[{}]', { columns: firebase })).toBeUndefined();
  });

  it.each([
    ['', 'csv'],
    ['\n\n', 'csv'],
    ['a', 'csv'],
    [CSV, 'csv'],
    [`\uFEFF${CSV}`, 'csv'],
    [`\n${CSV}`, 'csv'],
    ['clientId,notes\nemail,phone\n', 'csv'],
    ['colour,shape\nred,round\nemail,square\n', 'csv'],
    ['[clientId],[email]\n', 'csv'],
    ['<id>,email\n', 'csv'],
    ['sep=;', 'csv'],
    ['clientId,a\0\0b\n', 'csv'],
    ['PK,email\n', 'csv'],
    ['BZ,email\n', 'csv'],
    ['[]\n{"clientId":"a"}\n', 'ndjson'],
    ['Users\nclientId,email\n', 'ndjson'],
    ['{"users":"a"}\n', 'ndjson'],
    ['{"a":1,\n"clientId":"a"}\n', 'ndjson'],
  ] as const)('%j is taken as it is', (content, format) => {
    expect(recognised(content, { format })).toBeUndefined();
  });

  it('with some zero bytes is UTF-16 only where they are many, and nearly all at odd or at even places', () => {
    const withZeros = (odd: number, even: number) => {
      const bytes = Buffer.alloc(1024, 'a');
      for (let n = 0; n < odd; n += 1) bytes[2 * n + 1] = 0;
      for (let n = 0; n < even; n += 1) bytes[2 * n] = 0;
      return recognised(bytes)?.command;
    };
    const counts = [
      [64, 0],
      [65, 0],
      [0, 64],
      [0, 65],
      [80, 10],
      [80, 9],
      [10, 80],
      [9, 80],
    ] as const;
    const [little, big] = ['iconv -f UTF-16LE -t UTF-8', 'iconv -f UTF-16BE -t UTF-8'];
    const told = [undefined, little, undefined, big];
    expect(counts.map(([odd, even]) => withZeros(odd, even))).toEqual([...told, ...told]);
  });

  it('has its header looked for in the first thirty lines', () => {
    const before = (lines: number) => `${'title\n'.repeat(lines)}clientId,email\n`;
    expect(recognised(before(29))).toMatchObject({ command: 'tail -n +30' });
    expect(recognised(before(30))).toBeUndefined();
  });

  test.prop([
    fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1 }),
    fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
    fc.constantFrom(',', ';', '\t'),
  ])('with a known header in its first line is always taken as it is', (fields, table, delimiter) => {
    const rows = table.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter));
    expect(recognised([fields.join(delimiter), ...rows].join('\n'))).toBeUndefined();
  });
});
