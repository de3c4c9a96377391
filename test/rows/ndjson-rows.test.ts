import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { MOST_OF_LINE } from '../../src/rows/lines.ts';
import { FIELDS, type Field } from '../../src/rows/row.ts';
import { ENCODING, NUL, read, told } from './read-rows-world.ts';

describe('NDJSON', () => {
  const ndjson = (content: string | Buffer) => read(content, { format: 'ndjson' });

  it('has the fields of the profile beside the others or in a profile', async () => {
    const lines = ['{"clientId":"c-1","profile":{"FirstName":"Ada"}}', '', '{"ClientId":"c-2","phone":7}'];
    expect(await ndjson(lines.join('\r\n'))).toEqual([
      { is: 'row', line: 1, data: { clientId: 'c-1', firstName: 'Ada' } },
      { is: 'row', line: 3, data: { clientId: 'c-2', phone: 7 } },
    ]);
  });

  it('reports the faults of a line and goes on, and repeats nothing of it', async () => {
    const rows = await ndjson(
      Buffer.concat([
        Buffer.from('{"clientId":"secret" "email":1}\n[]\n{"mail":"x","email":"y","Email":"z"}\n"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from(`"\n${'x'.repeat(MOST_OF_LINE + 1)}\n{"clientId":"c-6"}`),
      ]),
    );
    expect(told(rows)).toEqual([
      'faulty 1 - is not JSON at character 22',
      'faulty 2 - is not a JSON object',
      'faulty 3 - unknown column "mail", did you mean email?',
      'faulty 3 email occurs twice',
      `faulty 4 - ${ENCODING}`,
      `unreadable 5 - longer than ${MOST_OF_LINE} bytes`,
    ]);
  });

  it('may have byte order marks where files were joined, and has a NUL reported', async () => {
    const rows = await ndjson('{"clientId":"a"}\n\uFEFF{"clientId":"b"}\n{"clientId":"c\0"}\n\0');
    expect(rows.slice(0, 2).map(({ is }) => is)).toEqual(['row', 'row']);
    expect(told(rows)).toEqual([`faulty 3 - ${NUL}`, `faulty 4 - ${NUL}`]);
  });

  it.each(['"text"', '7', 'true', 'null', '[{"clientId":"c"}]'])('has no user in %s', async (line) => {
    expect(told(await ndjson(`${line}\n`))).toEqual(['faulty 1 - is not a JSON object']);
  });

  it('has columns of other names mapped, and left out', async () => {
    const map = new Map<string, Field | undefined>([
      ['customerno', 'clientId'],
      ['notes', undefined],
    ]);
    const line = '{"Customer No":"c-1","Notes":"x","phone":"1"}';
    expect(await read(line, { format: 'ndjson', map })).toEqual([
      { is: 'row', line: 1, data: { clientId: 'c-1', phone: '1' } },
    ]);
  });

  it('has a profile that is an object or null, and fields of one value', async () => {
    const lines = [
      '{"clientId":"c","profile":"Ada"}',
      '{"clientId":"c","phone":{"number":[1]}}',
      '{"clientId":"c","profile":{"email":["x"]}}',
    ];
    expect(told(await ndjson(lines.join('\n')))).toEqual([
      'faulty 1 - unknown column "profile"',
      'faulty 2 phone is an object or an array: a field has one value',
      'faulty 3 email is an object or an array: a field has one value',
    ]);
    expect(await ndjson('{"clientId":"d","profile":null}\n{"clientId":"e","phone":null}\n')).toEqual([
      { is: 'row', line: 1, data: { clientId: 'd' } },
      { is: 'row', line: 2, data: { clientId: 'e', phone: null } },
    ]);
  });

  it('has settings beside the others or in an object of their own, each once', async () => {
    const lines = [
      '{"clientId":"c","settings":{"EnableTracking":true,"logging":"no"},"enabled":false}',
      '{"clientId":"c","settings":{"tracking":true,"tracking":false}}',
      '{"clientId":"c","settings":{"tracking":true},"EnableTracking":false}',
      '{"clientId":"c","settings":{"trackingEnabled":true}}',
    ];
    const rows = await ndjson(lines.join('\n'));
    expect(rows[0]).toMatchObject({ data: { clientId: 'c', tracking: true, logging: 'no', enabled: false } });
    expect(told(rows)).toEqual([
      'faulty 2 tracking occurs twice',
      'faulty 3 tracking occurs twice',
      'faulty 4 - unknown column "trackingEnabled", did you mean tracking?',
    ]);
  });

  it.each(['phone', 'x'])('may be nested as deep as a line is long, in %s', async (name) => {
    const deep = 50_000;
    const nested = `${'[{"":'.repeat(deep)}[]${'}]'.repeat(deep)}`;
    const map = new Map([['x', undefined]]);
    const content = `{"clientId":"c","${name}":${nested}}\n${nested}\n`;
    const rows = await read(content, { format: 'ndjson', map }, 9000);
    const fault = 'faulty 1 phone is an object or an array: a field has one value';
    expect(told(rows)).toEqual([...(name === 'phone' ? [fault] : []), 'faulty 2 - is not a JSON object']);
  });

  it('has an empty row in an object without a value, and none in one without a key', async () => {
    const map = new Map([['x', undefined]]);
    const lines = ['{}', '{"profile":{}}', '{"clientId":null,"email":""}', '{"phone":" ","x":1}'];
    const empty = [2, 3, 4].map((line) => ({ is: 'empty', line }));
    expect(await read(lines.join('\n'), { format: 'ndjson', map })).toEqual(empty);
    expect(await ndjson('{"createAccessToken":false}')).toHaveLength(1);
  });

  it.each([64 * 1024, MOST_OF_LINE, MOST_OF_LINE + 1])(
    'may have all the bytes in a line that are allowed, and no more, in pieces of %i',
    async (pieceBytes) => {
      const line = '{"clientId":"c"}'.padEnd(MOST_OF_LINE);
      const row = { is: 'row', line: 1, data: { clientId: 'c' } };
      expect(await read(line, { format: 'ndjson' }, pieceBytes)).toEqual([row]);
      expect(told(await read(`${line} `, { format: 'ndjson' }, pieceBytes))).toEqual([
        `unreadable 1 - longer than ${MOST_OF_LINE} bytes`,
      ]);
    },
  );

  test.prop([
    fc.array(
      fc
        .dictionary(fc.constantFrom(...FIELDS), fc.string(), { minKeys: 1 })
        .map((row) => ({ ...row, clientId: 'c' })),
    ),
    fc.integer({ min: 1, max: 40 }),
  ])('of any texts is read as it was written', async (objects, pieceBytes) => {
    const content = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
    const rows = await read(content, { format: 'ndjson' }, pieceBytes);
    expect(rows).toEqual(objects.map((data, index) => ({ is: 'row', line: index + 1, data: { ...data } })));
  });
});

test('a key that an object has twice is a fault, as one of its values would be lost', async () => {
  const rows = await read(
    '{"clientId":"a","clientId":"b"}\n{"clientId":"c","profile":{"phone":"1","phone":"2"}}\n{"clientId":"d"}\n',
    { format: 'ndjson' },
  );
  expect(told(rows)).toEqual(['faulty 1 clientId occurs twice', 'faulty 2 phone occurs twice']);
  expect(rows[2]).toMatchObject({ is: 'row', data: { clientId: 'd' } });
});
