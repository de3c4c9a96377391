import { readFile } from 'node:fs/promises';
import { fc, test } from '@fast-check/vitest';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { luaJson } from '../../src/redis/lua-json.ts';
import { brokenText } from '../support/broken-text.ts';

let redis: Redis;
let readJson: string;
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  readJson = await readFile('src/redis/read-json.lua', 'utf8');
});
afterAll(() => redis.disconnect());

describe('JSON that we write for Lua', () => {
  test.prop([fc.array(brokenText, { minLength: 1 })])(
    'is read there as well-formed Unicode, whatever was in it, also as JSON within JSON',
    async (texts) => {
      const inner = luaJson(texts);
      const lua = 'local o = cjson.decode(ARGV[1]) return { cjson.decode(o.inner)[1], o.text }';
      const [first] = texts;
      const read = await redis.eval(lua, 0, luaJson({ inner, text: first }));
      expect(read).toEqual([first?.toWellFormed(), first?.toWellFormed()]);
    },
  );
});

describe('JSON that another client has written', () => {
  const written = [
    ['with escapes for lone surrogates alone, as JavaScript does', (json: string) => json],
    [
      'with escapes for all that is not ASCII, as Python does',
      (json: string) =>
        json.replaceAll(
          /[\u0080-\uffff]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`,
        ),
    ],
  ] as const;
  describe.each(written)('%s', (_how, write) => {
    test.prop([brokenText, brokenText])(
      'is read with every field that is whole as it is',
      async (text, reason) => {
        const clientId = text.toWellFormed();
        const lua = `${readJson} return readObject(ARGV[1]).clientId`;
        expect(await redis.eval(lua, 0, write(JSON.stringify({ clientId, reason })))).toBe(clientId);
      },
    );
  });

  test.prop([fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('{', '[', '1', '"x"', 'null', ''))])(
    'is nothing where it is no object',
    async (text) => {
      const lua = `${readJson} return readObject(ARGV[1]) and 'object' or 'nothing'`;
      expect(await redis.eval(lua, 0, `x${text}`)).toBe('nothing');
    },
  );
});
