import { gzipSync } from 'node:zlib';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MOST_OF_LINE } from '../../src/rows/lines.ts';
import { FIELDS, type Field, type Row } from '../../src/rows/row.ts';
import { detectFormat, readRows } from '../../src/rows/read-rows.ts';
import { ENCODING, NUL, read, told } from './read-rows-world.ts';

const UNCLOSED = 'the quote that opens here is never closed';
const MISPLACED = 'a misplaced quote: put the whole cell in quotes, and double the quotes inside';
const HELP = "(--map 'NAME=FIELD' gives the field of a column, 'NAME=' omits it, '*=' omits all others)";

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

  it('is delimited as it is told to be', async () => {
    expect(await read('clientId|email\nc-1|a,b;c\n', { delimiter: '|' })).toEqual([
      { is: 'row', line: 2, data: { clientId: 'c-1', email: 'a,b;c' } },
    ]);
  });

  it('of one column is delimited by commas', async () => {
    expect(told(await read('clientId\na,b\n'))).toEqual(['faulty 2 - has 2 columns, but the header has 1']);
  });

  it('is delimited by what most of its columns are known by, not by what gives the most columns', async () => {
    const map = new Map([['a;b;c;d', undefined]]);
    expect(await read('clientId,email,"a;b;c;d"\nc-1,e,x\n', { map })).toEqual([
      { is: 'row', line: 2, data: { clientId: 'c-1', email: 'e' } },
    ]);
  });

  it('of which no column is known is delimited by what gives the most columns', async () => {
    expect(told(await read('mail;fist_name\ne;f\n'))).toEqual([
      'unreadable 1 column 1 unknown column "mail", did you mean email?',
      `unreadable 1 column 2 unknown column "fist_name", did you mean firstName? ${HELP}`,
    ]);
  });

  it('reports where each row begins, whatever line breaks and quotes are before it', async () => {
    const content = '\r\nclientId,nickname\r\na,"one\r\n""two"""\r\n\r\nb,x\r\nc,"\n\n"\r\nd,y';
    const rows = await read(content);
    expect(rows.map(({ line }) => line)).toEqual([3, 6, 7, 10]);
    expect(rows[0]).toMatchObject({ data: { nickname: 'one\r\n"two"' } });
  });

  it('has columns of other names mapped, and left out', async () => {
    const map = new Map<string, Field | undefined>([
      ['customerno', 'clientId'],
      ['notes', undefined],
    ]);
    expect(await read('Customer No,Notes,phone\nc-1,x,1\n', { map })).toEqual([
      { is: 'row', line: 2, data: { clientId: 'c-1', phone: '1' } },
    ]);
  });

  it('with a header that cannot be understood reports every fault of it, with a hint', async () => {
    expect(told(await read('clientId,mail,Client ID,emial,colour,a@b.c\nc,e,d,x,y,z\n'))).toEqual([
      'unreadable 1 column 2 unknown column "mail", did you mean email?',
      'unreadable 1 column 4 unknown column "emial", did you mean email?',
      'unreadable 1 column 5 unknown column "colour"',
      `unreadable 1 column 6 unknown column ${HELP}`,
      "unreadable 1 - columns 1, 3 are all clientId: rename all but one of them, or omit them (--map 'NAME=')",
    ]);
  });

  it('with a header of which nothing but nearly known names is right is told what was meant', async () => {
    expect(told(await read('mail,DeviceToken,reason\ne,d,r\n'))).toEqual([
      'unreadable 1 column 1 unknown column "mail", did you mean email?',
      'unreadable 1 column 2 unknown column "DeviceToken", did you mean userId?',
      `unreadable 1 column 3 unknown column "reason" ${HELP}`,
    ]);
  });

  it('with a quote out of place in its header is unreadable, and no further row is taken for one', async () => {
    const rows = await read('client"Id,email\nclientId,email\nc,e\n');
    expect(rows).toHaveLength(1);
    expect(told(rows)).toEqual([`unreadable 1 - ${UNCLOSED}`]);
  });

  it('may leave several columns out', async () => {
    const map = new Map([
      ['notes', undefined],
      ['colour', undefined],
    ]);
    const rows = await read('notes,clientId,colour\nx,c,y\n', { map });
    expect(rows).toEqual([{ is: 'row', line: 2, data: { clientId: 'c' } }]);
  });

  it('with a header that is not UTF-8 is told so', async () => {
    const latin = Buffer.from('clientId,pr\u00E9nom\na,b\n', 'latin1');
    expect(told(await read(latin))).toEqual([`unreadable 1 - ${ENCODING}`]);
  });

  it('without a header is told so, and nothing of its first row', async () => {
    const [fault] = told(await read('c-1,Ada,Lovelace\nc-2,Alan,Turing\n'));
    expect(fault).toContain('no column is known');
    expect(fault).not.toContain('Ada');
  });

  it('that is empty is unreadable', async () => {
    expect(told(await read(''))).toEqual([expect.stringContaining('the file is empty')]);
  });

  it('goes on after a fault that is one row’s own', async () => {
    const rows = await read(
      Buffer.concat([
        Buffer.from('clientId,email\na,e,too-many\nb\nd,'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('\n"two\nlines",'),
        Buffer.from([0xff]),
        Buffer.from('\n"'),
        Buffer.from([0xff]),
        Buffer.from('\n",three\ne,fine\n'),
      ]),
    );
    expect(told(rows)).toEqual([
      'faulty 2 - has 3 columns, but the header has 2',
      'faulty 3 - has 1 columns, but the header has 2',
      `faulty 4 - ${ENCODING}`,
      `faulty 5 - ${ENCODING}`,
      `faulty 7 - ${ENCODING}`,
    ]);
    expect(rows.at(-1)).toEqual({ is: 'row', line: 9, data: { clientId: 'e', email: 'fine' } });
  });

  it('is read no further than to a row that is unreadable', async () => {
    let taken = 0;
    async function* pieces(): AsyncGenerator<Buffer> {
      for (const piece of ['clientId,email\na,1\n', '"b"b,2\nc,3\n', 'd,4\n', 'e,5\n']) {
        taken += 1;
        yield Buffer.from(piece);
      }
    }
    let last: Row | undefined;
    for await (const row of readRows(pieces(), { format: 'csv' })) last = row;
    expect(last).toMatchObject({ is: 'unreadable', line: 3 });
    expect(taken).toBe(2);
  });

  it.each([
    ['a quote that is never closed', 'a,1\nb,"2\nc,3\n', `3 - ${UNCLOSED}`],
    ['text after a closing quote', 'a,1\n"b"b,2\nc,3\n', `3 - ${MISPLACED}`],
    ['a quote before a line break that is never closed', 'a,1\n"\nb,2\n', `3 - ${UNCLOSED}`],
    ['text after a quote that closes in a later line', 'a,1\n"b\n\nb"c,2\nd,3\n', `3 - ${MISPLACED}`],
    ['a quote behind blanks', 'a,1\nb, "two",3\nc,4\n', `3 - ${MISPLACED}`],
    ['two quotes in a cell without quotes', 'a,1\nb,4" x 5"\n', `3 - ${MISPLACED}`],
    ['a quote in a cell without quotes', 'a,1\nb,4"\nc,4\n', `3 - ${UNCLOSED}`],
    ['two such rows', 'a,1\nb,4"\nc,"4"\nd,5"\n', `3 - ${MISPLACED}`],
  ])('ends at %s', async (_what, body, fault) => {
    const rows = await read(`clientId,email\n${body}`);
    expect(rows).toHaveLength(2);
    expect(told(rows)).toEqual([`unreadable ${fault}`]);
  });

  it('has an empty row where no column that is not left out has a value', async () => {
    const map = new Map([['notes', undefined]]);
    const rows = await read('clientId,notes,email\n,Exported by admin,\n" ",x,\nc,y,\n', { map });
    expect(rows).toEqual([
      { is: 'empty', line: 2 },
      { is: 'empty', line: 3 },
      { is: 'row', line: 4, data: { clientId: 'c', email: '' } },
    ]);
    expect(told(await read('clientId,email\n,\n,,\nnobody\n'))).toEqual([
      'faulty 4 - has 1 columns, but the header has 2',
    ]);
  });

  it.each([
    ['Client ID', 'clientId', undefined],
    ["'client_id'", 'clientId', undefined],
    ['"""clientId"""', 'clientId', undefined],
    ['\uFEFFclientId', 'clientId', undefined],
    ['Customer-No', 'customer no', new Map<string, Field>([['customerno', 'clientId']])],
    ['Client ID,E-Mail Address,colour', 'clientId,email,notes', new Map([['notes', undefined]])],
    ['email,clientId,phone', 'clientId,email,phone', undefined],
    ['firstName,email,', 'clientId,email,phone', undefined],
    [',email,clientId', 'clientId,email,phone', undefined],
    ['clientId,phone,email,', 'clientId,email,phone', undefined],
  ])('ends at another header, %s after %s', async (again, header, map) => {
    const commas = header.replaceAll(/[^,]/g, '');
    const rows = await read(`${header}\na${commas}\n${again}\nb${commas}\n`, { map });
    expect(told(rows).at(-1)).toBe('unreadable 3 - is another header: remove it, and use one file per list');
    expect(rows.map(({ is, line }) => `${is} ${line}`)).toEqual(['row 2', 'unreadable 3']);
  });

  it('takes a row for no header whose only mapped column, which has no name, is empty', async () => {
    const map = new Map<string, Field | undefined>([
      ['', 'clientId'],
      ['notes', undefined],
    ]);
    expect(await read(',notes\n,x\n', { map })).toEqual([{ is: 'empty', line: 2 }]);
  });

  it('takes nobody for a header who is called like a column', async () => {
    const rows = await read('clientId,firstName,nickname\nphone,,\nc,Email,email\nemail,email,\n');
    expect(rows.map(({ is, line }) => `${is} ${line}`)).toEqual(['row 2', 'row 3', 'row 4']);
  });

  it('may have a replacement character, which is UTF-8', async () => {
    for (const pieceBytes of [1, 2, 3, 5, 100]) {
      expect(await read('clientId,email\na,\uFFFD\n𝄞,ü\n', {}, pieceBytes)).toEqual([
        { is: 'row', line: 2, data: { clientId: 'a', email: '\uFFFD' } },
        { is: 'row', line: 3, data: { clientId: '𝄞', email: 'ü' } },
      ]);
    }
  });

  it('may have a byte order mark wherever a file that was joined to it begins', async () => {
    const content = '\uFEFFclientId,email\na,1\n\uFEFF"b",2\n\uFEFFc,3\n\uFEFF\n';
    for (const pieceBytes of [1, 7, 1000]) {
      const rows = await read(content, {}, pieceBytes);
      expect(rows.map((row) => row.is === 'row' && row.data.clientId)).toEqual(['a', 'b', 'c']);
    }
  });

  it('has a NUL reported by its line', async () => {
    expect(told(await read('clientId,email\na,x\0y\nb,1\n"c\0",2\n\0\0\0'))).toEqual([
      `faulty 2 - ${NUL}`,
      `faulty 4 - ${NUL}`,
      `faulty 5 - ${NUL}`,
    ]);
    expect(told(await read('client\0Id,email\na,1\n'))).toEqual([`unreadable 1 - ${NUL}`]);
  });

  it('may have no longer line than is held, and no more in a cell of several', async () => {
    const map = new Map([['photo', undefined]]);
    const photo = 'x'.repeat(MOST_OF_LINE - 3);
    const rows = await read(`clientId,photo\na,${photo}\nb,"${photo}\n"\n`, { map }, 64 * 1024);
    expect(rows.map(({ is, line }) => `${is} ${line}`)).toEqual(['row 2', 'unreadable 3']);
    const commas = await read(`clientId,email\n${','.repeat(MOST_OF_LINE + 1)}c\nd,1\n`, {}, 64 * 1024);
    expect(told(commas)).toEqual([`unreadable 2 - longer than ${MOST_OF_LINE} bytes`]);
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

describe('a file that is no list', () => {
  it.each([
    ['gzip', gzipSync('clientId\nc-1\n'), 'is compressed with gzip'],
    ['a workbook', Buffer.from('PK\u0003\u0004[Content_Types].xml'), 'is an Excel workbook'],
    ['an old workbook', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'is an Excel workbook'],
    ['UTF-16', Buffer.from('\uFEFFclientId\r\nc-1', 'utf16le'), 'is UTF-16'],
    ['UTF-16 of the other order', Buffer.from('\uFEFF{}\n{}', 'utf16le').swap16(), 'is UTF-16'],
  ])('is told to be %s', async (_what, bytes, fault) => {
    for (const format of ['csv', 'ndjson'] as const) {
      expect(told(await read(bytes, { format }))).toEqual([
        expect.stringMatching(new RegExp(`^unreadable 1 - the file ${fault}`)),
      ]);
    }
  });
});

describe('the name of a file', () => {
  it('shows its format, or none', () => {
    expect(['a.csv', 'b.NDJSON', 'c.jsonl', 'd.tsv', 'e.xlsx', '-'].map(detectFormat)).toEqual([
      'csv',
      'ndjson',
      'ndjson',
      'csv',
      undefined,
      undefined,
    ]);
  });
});

test('a line of CSV that ends in several carriage returns ends before the first', async () => {
  const rows = await read('clientId,firstName\na,An\r\r\nb,Bob\r\r\n');
  expect(rows).toMatchObject([
    { is: 'row', data: { clientId: 'a', firstName: 'An' } },
    { is: 'row', data: { clientId: 'b', firstName: 'Bob' } },
  ]);
});
