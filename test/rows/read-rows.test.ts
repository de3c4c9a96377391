import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FIELDS, type Field, type Row } from '../../src/rows/row.ts';
import { type RowOptions, formatOf, readRows } from '../../src/rows/read-rows.ts';

/** In pieces of so many bytes, as a file arrives. */
async function read(
  content: string | Buffer,
  options: Partial<RowOptions> = {},
  pieceBytes = 7,
): Promise<Row[]> {
  const bytes = Buffer.from(content);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
  }
  const rows: Row[] = [];
  for await (const row of readRows(pieces(), { format: 'csv', ...options })) rows.push(row);
  return rows;
}

const told = (rows: Row[]) =>
  rows.flatMap((row) =>
    'faults' in row
      ? row.faults.map(({ line, column, message }) => `${row.is} ${line} ${column ?? '-'} ${message}`)
      : [],
  );

describe('a CSV', () => {
  it('is read by the names of the contract and of the Python SDK, whatever their case', async () => {
    expect(await read('ClientId,FIRSTNAME,email\nc-1,Ada,a@example.com\n')).toEqual([
      { is: 'row', line: 2, data: { clientId: 'c-1', firstName: 'Ada', email: 'a@example.com' } },
    ]);
  });

  it.each([
    ['a byte order mark', '\uFEFFclientId,email\nc-1,e\n'],
    ['CRLF', 'clientId,email\r\nc-1,e\r\n'],
    ['semicolons', 'clientId;email\nc-1;e\n'],
    ['tabs', 'clientId\temail\nc-1\te\n'],
    ['a quoted header', '"clientId";"email"\nc-1;e\n'],
    ['no line break at its end', 'clientId,email\nc-1,e'],
    ['empty lines and rows of empty cells', 'clientId,email\n,\nc-1,e\n\n , \n'],
  ])('with %s is the same', async (_what, content) => {
    expect((await read(content)).map((row) => row.is === 'row' && row.data)).toEqual([
      { clientId: 'c-1', email: 'e' },
    ]);
  });

  it('tells where each row begins, whatever line breaks and quotes are before it', async () => {
    const content = '\r\nclientId,nickname\r\na,"one\r\n""two"""\r\n\r\nb,x\r\nc,"\n\n"\rd,y';
    expect((await read(content)).map(({ line }) => line)).toEqual([3, 6, 7, 10]);
  });

  it('has columns of other names mapped, and left out', async () => {
    const map = new Map<string, Field | undefined>([
      ['customer no', 'clientId'],
      ['notes', undefined],
    ]);
    expect(await read('Customer No,Notes,phone\nc-1,x,1\n', { map })).toEqual([
      { is: 'row', line: 2, data: { clientId: 'c-1', phone: '1' } },
    ]);
  });

  it('with a header that cannot be understood tells every fault of it, with a hint', async () => {
    expect(
      told(await read('clientId,e-mail,first_name,ClientID,emial,colour,a@b.c\nc,e,f,d,x,y,z\n')),
    ).toEqual([
      'unreadable 1 column 2 unknown column "e-mail", did you mean email?',
      'unreadable 1 column 3 unknown column "first_name", did you mean firstName?',
      'unreadable 1 column 4 column 1 is clientId already',
      'unreadable 1 column 5 unknown column "emial", did you mean email?',
      'unreadable 1 column 6 unknown column "colour"',
      'unreadable 1 column 7 unknown column',
    ]);
  });

  it('without a header is told so, and nothing of its first row', async () => {
    const [fault] = told(await read('c-1,Ada,Lovelace\nc-2,Alan,Turing\n'));
    expect(fault).toContain('no column is known');
    expect(fault).not.toContain('Ada');
  });

  it('that is empty or UTF-16 is unreadable', async () => {
    expect(told(await read(''))).toEqual([expect.stringContaining('the file is empty')]);
    const utf16 = Buffer.from('\uFEFFclientId\r\nc-1', 'utf16le');
    expect(told(await read(utf16))).toEqual([expect.stringContaining('UTF-16')]);
  });

  it('goes on after a fault that is one row’s own', async () => {
    const rows = await read(
      Buffer.concat([
        Buffer.from('clientId,email\na,e,too-many\nb\nc,4" x "y\nd,'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('\ne,fine\n'),
      ]),
    );
    expect(told(rows)).toEqual([
      'faulty 2 - has 3 columns, where the header has 2',
      'faulty 3 - has 1 columns, where the header has 2',
      expect.stringMatching(/^faulty 4 email a quote in a cell/),
      'faulty 5 email is not UTF-8',
    ]);
    expect(rows.at(-1)).toEqual({ is: 'row', line: 6, data: { clientId: 'e', email: 'fine' } });
  });

  it.each([
    ['a quote that is never closed', 'a,1\nb,"2\nc,3\n', 'unreadable 3 email the quote that opens here'],
    [
      'text after a closing quote',
      'a,1\n"b"b,2\nc,3\n',
      'unreadable 3 clientId text after the closing quote',
    ],
    ['a row without an end', `a,1\nb,"${'x'.repeat(200_000)}\n`, 'unreadable 3 email longer than'],
  ])('ends at %s', async (_what, body, message) => {
    const rows = await read(`clientId,email\n${body}`);
    expect(rows).toHaveLength(2);
    expect(told(rows)).toEqual([expect.stringContaining(message)]);
  });

  test.prop([
    fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1 }),
    fc.array(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '𝄞', '"', ',', ';', '\t', '\n', '\r\n', ' ') }), {
        minLength: FIELDS.length,
        maxLength: FIELDS.length,
      }),
      { maxLength: 12 },
    ),
    fc.constantFrom(',', ';', '\t'),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
    fc.integer({ min: 1, max: 40 }),
  ])(
    'of any cells, however it is delimited and cut into pieces, is read as it was written',
    async (fields, table, delimiter, lineBreak, hasEnd, pieceBytes) => {
      let line = 2;
      const expected: Row[] = [];
      const lines = table.map((cells) => {
        const own = fields.map((_, place) => cells[place] ?? '');
        if (own.some((cell) => cell.trim() !== '')) {
          const data = Object.fromEntries(fields.map((field, place) => [field, own[place]]));
          expected.push({ is: 'row', line, data });
        }
        line += 1 + own.join('').split('\n').length - 1;
        return own.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter);
      });
      const content = [fields.join(delimiter), ...lines].join(lineBreak) + (hasEnd ? lineBreak : '');
      expect(await read(content, { delimiter }, pieceBytes)).toEqual(expected);
      if (fields.length > 1) expect(await read(content, {}, pieceBytes)).toEqual(expected);
    },
  );

  test.prop([
    fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ';') }),
    fc.integer({ min: 1, max: 9 }),
  ])(
    'of any text whatever has no row that is not at a line of it, in order and once, and none after an unreadable one',
    async (body, pieceBytes) => {
      const rows = await read(`clientId,email\n${body}`, {}, pieceBytes);
      const lines = rows.map(({ line }) => line);
      expect(lines).toEqual([...lines].sort((a, b) => a - b));
      expect(new Set(rows.map(({ is, line }) => `${is} ${line}`)).size).toBe(rows.length);
      expect(lines.every((line) => line >= 2 && line <= 2 + body.length)).toBe(true);
      expect(rows.slice(0, -1).some(({ is }) => is === 'unreadable')).toBe(false);
      expect(rows).toEqual(await read(`clientId,email\n${body}`, {}, 1000));
    },
  );
});

describe('NDJSON', () => {
  const ndjson = (content: string | Buffer) => read(content, { format: 'ndjson' });

  it('has the fields of the profile beside the others or in a profile', async () => {
    const lines = ['{"clientId":"c-1","profile":{"FirstName":"Ada"}}', '', '{"ClientId":"c-2","phone":7}'];
    expect(await ndjson(lines.join('\r\n'))).toEqual([
      { is: 'row', line: 1, data: { clientId: 'c-1', firstName: 'Ada' } },
      { is: 'row', line: 3, data: { clientId: 'c-2', phone: 7 } },
    ]);
  });

  it('tells the faults of a line and goes on, and repeats nothing of it', async () => {
    const rows = await ndjson(
      Buffer.concat([
        Buffer.from('{"clientId":"secret" "email":1}\n[]\n{"mail":"x","email":"y","Email":"z"}\n"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from(`"\n${'x'.repeat(200_000)}\n{"clientId":"c-6"}`),
      ]),
    );
    expect(told(rows)).toEqual([
      'faulty 1 character 22 is not JSON',
      'faulty 2 - is no JSON object',
      'faulty 3 - unknown column "mail", did you mean email?',
      'faulty 3 email is there twice',
      'faulty 4 - is not UTF-8',
      'faulty 5 - longer than 131072 bytes',
    ]);
    expect(rows.at(-1)).toEqual({ is: 'row', line: 6, data: { clientId: 'c-6' } });
  });

  test.prop([
    fc.array(fc.dictionary(fc.constantFrom(...FIELDS), fc.string(), { minKeys: 1 })),
    fc.integer({ min: 1, max: 40 }),
  ])('of any texts is read as it was written', async (objects, pieceBytes) => {
    const content = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
    const rows = await read(content, { format: 'ndjson' }, pieceBytes);
    expect(rows).toEqual(objects.map((data, index) => ({ is: 'row', line: index + 1, data: { ...data } })));
  });
});

describe('the name of a file', () => {
  it('tells its format, or none', () => {
    expect(['a.csv', 'b.NDJSON', 'c.jsonl', 'd.tsv', 'e.xlsx', '-'].map(formatOf)).toEqual([
      'csv',
      'ndjson',
      'ndjson',
      'csv',
      undefined,
      undefined,
    ]);
  });
});
