/**
 * Which requests the API has at all.
 */
import { expect, test } from 'vitest';
import { TOKEN, openSandbox } from './caller.ts';

async function openWithAda() {
  const sandbox = await openSandbox();
  await sandbox.create({ CustomToken: TOKEN });
  await sandbox.becomeAdmin();
  return sandbox;
}

test('a path that the API does not have is a 404', async () => {
  const sandbox = await openWithAda();
  for (const path of ['/v2/anything', '/v1/Management/users/a/b', '/v1/constructor', '/']) {
    expect((await sandbox.send('GET', path)).status).toBe(404);
  }
});

test.each([
  ['GET', '/v1/Registration/create'],
  ['GET', '/v1/Auth/Login'],
  ['PUT', '/v1/Auth/RefreshToken'],
  ['POST', '/v1/Management/users'],
  ['DELETE', '/v1/Management/users'],
  ['PATCH', '/v1/Management/users'],
  ['POST', '/v1/Management/users/find'],
  ['GET', '/v1/Management/users/GetFilteredPage'],
  ['GET', '/v1/Management/users/count'],
  ['GET', '/v1/Management/users/images/upload'],
  ['PUT', '/v1/Management/users/instances/change'],
  ['PUT', `/v1/Management/users/instances/change/${TOKEN}`],
  ['PUT', `/v1/Management/users/${TOKEN}`],
])('%s %s is a 405: the path has no such method', async (method, path) => {
  const sandbox = await openWithAda();
  const reply = await sandbox.send(method, path);
  expect(reply.status).toBe(405);
  expect(reply.body).toEqual({ Status: 405, Title: 'Method Not Allowed', Errors: [] });
  expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN, deletedAt: null }]);
});
