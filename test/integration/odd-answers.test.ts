import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createScriptedWorld } from '../support/scripted-world.ts';

const USER = 'cccccccc-0000-4000-8000-000000000003';
const page = Buffer.alloc(1024 * 1024 + 1, 'x');

/** What an answer may be, and why a job that gets it in place of Damoov's decision must not be over. */
const ANSWERS: [what: string, status: number, body: string | Buffer, isDecision: boolean][] = [
  ['a Status that is an object', 200, '{"Status":{"toString":1},"Result":[]}', false],
  ['users that are no users', 200, '{"Status":200,"Result":[{"DeviceToken":{"toString":1}}]}', false],
  [
    'Errors of objects and nothing',
    422,
    '{"Status":422,"Errors":[null,[{"toString":1}],{"Key":{}},7]}',
    true,
  ],
  ['Errors that are a number', 400, '{"Status":400,"Title":{"toString":1},"Errors":7}', true],
  ['a page of more than a megabyte', 403, page, false],
  ['half a page of gzip', 400, gzipSync('{"Status":400}').subarray(0, 15), false],
  ['no HTTP status', 999, '{"Status":999}', false],
];

describe('an answer nobody foresaw', () => {
  it.each(ANSWERS)('(%s) is understood by every operation', async (_what, status, body, isDecision) => {
    const { world, damoov } = await createScriptedWorld();
    for (const operation of ['create', 'find', 'update', 'delete'] as const)
      damoov.script(operation, (response) => void response.writeHead(status).end(body));
    const ids = [
      await world.add('create-user', { clientId: 'c-1' }),
      await world.add('update-user', { userId: USER, changes: { phone: '1' } }),
      await world.add('delete-user', { clientId: 'c-2' }),
    ];
    const linesOf = (id: string) => world.logLines.filter((line) => line.includes(`"jobId":"${id}"`));
    for (const id of ids) await expect.poll(() => linesOf(id).length).toBeGreaterThan(0);
    expect(world.logLines.join('')).not.toContain('unexpected');
    if (isDecision) return;
    expect(world.events).toEqual([]);
    for (const id of ids) expect(await world.jobs.getJob(id)).toMatchObject({ attemptsMade: 0 });
  });
});
