/**
 * The vendor's Python SDK against the sandbox, byte for byte: the requests below are what its HTTP library
 * puts on the wire, on one kept connection.
 */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { UUID, adminEmail, adminPassword, at, instanceId, instanceKey, openSandbox } from './caller.ts';

/** What the SDK's HTTP library puts before the caller's headers. */
const AGENT =
  'User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\naccept: application/json\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';

test('the SDK logs in, creates, updates, finds and deletes', async () => {
  const sandbox = await openSandbox();
  const session = await openSession(sandbox.port);

  // json= and Python's json.dumps separate with ", " and ": ".
  const login = `{"LoginFields": "{\\"email\\":\\"${adminEmail}\\"}", "Password": "${adminPassword}"}`;
  const loggedIn = await session('POST /v1/Auth/Login', JSON_TYPE, login);
  const accessToken = at(loggedIn.body, 'Result', 'AccessToken', 'Token');
  expect(accessToken).toEqual(expect.any(String));

  const keys = `InstanceId: ${instanceId}\r\nInstanceKey: ${instanceKey}\r\n`;
  const profile = '{"CreateAccessToken": false, "UserFields": {"ClientId": "ada-1"}, "FirstName": "Ada"}';
  const created = await session('POST /v1/registration/create', `${keys}${JSON_TYPE}`, profile);
  expect(created.status).toBe(200);
  const deviceToken = String(at(created.body, 'Result', 'DeviceToken'));
  expect(deviceToken).toMatch(UUID);

  const target = `UserDeviceToken: ${deviceToken}\r\nauthorization: Bearer ${String(accessToken)}\r\n`;
  const updated = await session(
    'PUT /v1/Management/users',
    `${target}${JSON_TYPE}`,
    '{"FirstName": "Augusta"}',
  );
  expect(updated).toEqual({ status: 200, body: { Status: 200, Title: '', Errors: [] } });

  const reader = `authorization: Bearer ${String(accessToken)}\r\n`;
  const found = await session(`GET /v1/Management/users/find?DeviceToken=${deviceToken}`, reader);
  expect(at(found.body, 'Result')).toMatchObject([
    { UserProfile: { FirstName: 'Augusta' }, UserFields: [{ ClientId: 'ada-1' }] },
  ]);

  const admin = `Authorization: Bearer ${String(accessToken)}\r\n`;
  const deleted = await session(`DELETE /v1/Management/users/${deviceToken}`, admin, '');
  expect(deleted).toEqual({ status: 200, body: { Status: 200, Title: '', Errors: [] } });
  expect(await sandbox.users()).toMatchObject([{ deviceToken, deletedAt: expect.any(String) }]);
});

test('the SDK gets a 401 for a wrong password', async () => {
  const sandbox = await openSandbox();
  const session = await openSession(sandbox.port);
  const login = `{"LoginFields": "{\\"email\\":\\"${adminEmail}\\"}", "Password": "wrong"}`;
  expect(await session('POST /v1/Auth/Login', JSON_TYPE, login)).toEqual({
    status: 401,
    body: { Status: 401, Title: 'Unauthorized', Errors: [] },
  });
});

/** One kept connection; each call writes a request and reads its answer. */
async function openSession(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return async (line: string, headers: string, body?: string) => {
    const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const head = `${line} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${AGENT}Connection: keep-alive\r\n`;
    socket.write(`${head}${headers}${length}\r\n${body ?? ''}`);
    return await readAnswer(socket);
  };
}

async function readAnswer(socket: Socket): Promise<{ status: number; body: unknown }> {
  let received = '';
  for (;;) {
    const [chunk] = await once(socket, 'data');
    received += String(chunk);
    const [head = '', body] = received.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (body === undefined || Buffer.byteLength(body) < length) continue;
    return { status: Number(head.split(' ')[1]), body: JSON.parse(body) };
  }
}
