import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { jsonObjects } from '../../src/rows/json-objects.ts';
import { MOST_OF_ROW } from '../../src/rows/row.ts';
import { rowsIn, told } from './read-text.ts';

async function objectsIn(content: string, pieceBytes = 3): Promise<unknown[]> {
  const bytes = Buffer.from(content);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
  }
  const found: unknown[] = [];
  for await (const one of jsonObjects(pieces())) {
    found.push(one.is === 'broken' ? one.message : one.bytes && JSON.parse(one.bytes.toString()));
  }
  return found;
}

const ENDS = 'the file ends within a list or an object: it is not whole';
const NO_OBJECT = 'is no JSON object, or has no comma before it';
const CROSSED = 'a bracket closes what a brace has opened, or the other way round';

describe('the objects of a JSON file', () => {
  test.prop([
    fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 4 }), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((name) => name !== 'users'),
      fc.jsonValue(),
      { maxKeys: 3 },
    ),
    fc.integer({ min: 1, max: 30 }),
    fc.constantFrom(0, 1),
    fc.constantFrom('', '\uFEFF'),
  ])(
    'are those of its list, of its list of users, or themselves',
    async (anyObjects, anyOthers, pieceBytes, indent, mark) => {
      const text = (value: unknown) => mark + JSON.stringify(value, null, indent);
      // JSON has no -0.
      const [objects, others] = JSON.parse(JSON.stringify([anyObjects, anyOthers])) as [object[], object];
      expect(await objectsIn(text(objects), pieceBytes)).toEqual(objects);
      expect(await objectsIn(text({ ...others, users: objects, after: others }), pieceBytes)).toEqual(
        objects,
      );
      const one = { ...others, 'no users': objects };
      expect(await objectsIn(`${text(one)}\n${JSON.stringify(one)}`, pieceBytes)).toEqual([one, one]);
    },
  );

  it.each([
    ['[{},{}]x', [{}, {}, NO_OBJECT]],
    ['[{}{}]', [{}, NO_OBJECT]],
    ['[{},]', [{}, NO_OBJECT]],
    ['[,{}]', [NO_OBJECT]],
    ['[1]', [NO_OBJECT]],
    ['{},{}', [{}, NO_OBJECT]],
    ['{}]', [{}, NO_OBJECT]],
    ['null', [NO_OBJECT]],
    ['[{}', [{}, ENDS]],
    ['[', [ENDS]],
    ['{"users":[{}]', [{}, ENDS]],
    ['{"users":[{"a":', [ENDS]],
    ['{"a":"}', [ENDS]],
    ['{"a":1]', [CROSSED]],
    ['', []],
    ['[]', []],
    [' {"users":[]} \n', []],
    ['{"users":[{"a":1}],"users":[{"a":2}]}', [{ a: 1 }, { a: 2 }]],
    [
      '{"a":{"users":[{}]},"b":["users",[{}]],"c":"users"}',
      [{ a: { users: [{}] }, b: ['users', [{}]], c: 'users' }],
    ],
    ['{"users":{"a":[1]}}', [{ users: { a: [1] } }]],
    ['[{"users":[{"a":1}]}]', [{ users: [{ a: 1 }] }]],
    ['{"usersx":[{}]}', [{ usersx: [{}] }]],
    [String.raw`{"users\\":[{}]}`, [{ 'users\\': [{}] }]],
    [String.raw`[{"a":"\"}\\"}]`, [{ a: '"}\\' }]],
    ['\uFEFF{"a":1}', [{ a: 1 }]],
    ['{"a":1}\n\uFEFF{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['{"users":[{}]}\0', [{}, expect.stringContaining('has a NUL')]],
    ['7', [NO_OBJECT]],
  ])('of %s are these', async (content, expected) => {
    for (const pieceBytes of [1, 2, 1000]) expect(await objectsIn(content, pieceBytes)).toEqual(expected);
  });

  it('that are longer than a row may be are not held', async () => {
    const [most, more] = [MOST_OF_ROW - 8, MOST_OF_ROW - 7].map((size) => ({ a: 'x'.repeat(size) }));
    for (const pieceBytes of [4096, 10_000_000]) {
      expect(await objectsIn(JSON.stringify([most, more, {}]), pieceBytes)).toEqual([most, undefined, {}]);
    }
    expect(
      told(await rowsIn(JSON.stringify([more]), { from: 'auth0', format: 'json' }, { pieceBytes: 4096 })),
    ).toEqual(['faulty 1 - longer than 131072 bytes']);
  });

  it('have their faults one by one, and none after a broken one', async () => {
    const content = Buffer.concat([
      Buffer.from('[{"user_id" "a"},{"user_id":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"},{"user_id":"b"} {"user_id":"c"}]'),
    ]);
    expect(told(await rowsIn(content, { from: 'auth0', format: 'json' }))).toEqual([
      'faulty 1 - is not JSON',
      expect.stringMatching(/^faulty 2 - is not UTF-8: save the list as UTF-8/),
      { clientId: 'b' },
      `unreadable 4 - ${NO_OBJECT}`,
    ]);
  });
});
