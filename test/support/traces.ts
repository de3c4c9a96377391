/**
 * Looks for marked values wherever they may have been left: in Redis, in what was written or answered; as they are, and as
 * base64, hexadecimal digits or part of a URL.
 */
import type { Redis } from 'ioredis';

/** Everything under the pattern, a line a key: its name and its value, whatever its type. */
export async function dumpRedis(redis: Redis, pattern: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const keys of redis.scanStream({ match: pattern, count: 1000 }) as AsyncIterable<string[]>) {
    for (const key of keys) lines.push(`${key} ${JSON.stringify(await valueOf(redis, key))}`);
  }
  return lines;
}

async function valueOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    // It has expired since it was listed.
    case 'none':
      return null;
    default:
      throw new Error(`${key} is a ${type}, which is not looked into`);
  }
}

/** The lines that bear one of the marks, cut short around it. A mark is made of letters and digits. */
export function tracesOf(marks: readonly string[], lines: readonly string[]): string[] {
  // Looked for without what is around it: that is slow in a long line.
  const mark = new RegExp(marks.join('|'), 'i');
  const around = new RegExp(`.{0,120}(?:${marks.join('|')}).{0,40}`, 'i');
  return lines.flatMap((line) => {
    const found = [line, ...decoded(line)].find((text) => mark.test(text));
    return found === undefined ? [] : [`${line.slice(0, 60)} … ${around.exec(found)?.[0]}`];
  });
}

function decoded(line: string): string[] {
  const inUrl = line.replaceAll(/%[0-9a-f]{2}/gi, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
  const inHex = (line.match(/[0-9a-f]{12,}/gi) ?? []).map((run) =>
    Buffer.from(run, 'hex').toString('latin1'),
  );
  const inBase64 = (line.match(/[A-Za-z0-9+/_-]{12,}/g) ?? []).flatMap((run) =>
    // Where it begins within the run is not known.
    [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64').toString('latin1')),
  );
  return [inUrl, ...inHex, ...inBase64];
}
