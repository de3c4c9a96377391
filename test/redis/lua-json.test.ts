import { fc, test } from '@fast-check/vitest';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { luaJson } from '../../src/redis/lua-json.ts';
import { brokenText } from '../support/broken-text.ts';

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
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
