/**
 * A sandbox of the test's own, and plain fetch to call it with. Nothing here comes from the client: the
 * tests would share its misreadings.
 */
import { onTestFinished } from 'vitest';
import { SANDBOX_CREDENTIALS, type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts';

export const { instanceId, instanceKey, adminEmail, adminPassword } = SANDBOX_CREDENTIALS;

export const TOKEN = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
export const OTHER_TOKEN = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
export const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined where the text is no JSON. */
  readonly body: unknown;
}

/** A clock that the test moves. */
export function stoppedClock() {
  let now = Date.UTC(2030, 0, 1);
  return {
    read: () => now,
    advance(ms: number) {
      now += ms;
    },
  };
}

export async function openSandbox(options: SandboxOptions = {}): Promise<Caller> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return new Caller(sandbox.url, sandbox.port);
}

export class Caller {
  readonly url: string;
  readonly port: number;
  #admin: Record<string, string> = {};

  constructor(url: string, port: number) {
    this.url = url;
    this.port = port;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  }

  create(body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const keys = { InstanceId: instanceId, InstanceKey: instanceKey };
    return this.send('POST', '/v1/Registration/create', body, { ...keys, ...headers });
  }

  login(email: string = adminEmail, password: string = adminPassword): Promise<Reply> {
    const fields = { LoginFields: JSON.stringify({ email }), Password: password };
    return this.send('POST', '/v1/Auth/Login', fields);
  }

  /** By the key of the instance that the user is in. */
  loginUser(deviceToken: string, id: string = instanceId, key: string = instanceKey): Promise<Reply> {
    const fields = { LoginFields: JSON.stringify({ Devicetoken: deviceToken }), Password: key };
    return this.send('POST', '/v1/Auth/Login', fields, { InstanceId: id });
  }

  refresh(tokens: { AccessToken: string; RefreshToken: string }): Promise<Reply> {
    return this.send('POST', '/v1/Auth/RefreshToken', tokens);
  }

  /** From here on, find, update, delete, page, count and move are the admin's. */
  async becomeAdmin(): Promise<void> {
    const { AccessToken } = tokensOf(await this.login());
    this.#admin = bearer(AccessToken);
  }

  find(query: Record<string, string>): Promise<Reply> {
    const search = new URLSearchParams(query).toString();
    return this.send('GET', `/v1/Management/users/find?${search}`, undefined, this.#admin);
  }

  update(deviceToken: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const target = { UserDeviceToken: deviceToken };
    return this.send('PUT', '/v1/Management/users', body, { ...this.#admin, ...target, ...headers });
  }

  delete(deviceToken: string): Promise<Reply> {
    return this.send('DELETE', `/v1/Management/users/${deviceToken}`, undefined, this.#admin);
  }

  page(body: unknown): Promise<Reply> {
    return this.send('POST', '/v1/Management/users/GetFilteredPage', body, this.#admin);
  }

  count(body: unknown): Promise<Reply> {
    return this.send('POST', '/v1/Management/users/count', body, this.#admin);
  }

  move(body: unknown): Promise<Reply> {
    return this.send('POST', '/v1/Management/users/instances/change', body, this.#admin);
  }

  patchModes(modes: unknown): Promise<Reply> {
    return this.send('PATCH', '/_sandbox/modes', modes);
  }

  async users(): Promise<unknown> {
    return at((await this.send('GET', '/_sandbox')).body, 'users');
  }

  /** The request log. */
  async requests(): Promise<unknown> {
    return (await this.send('GET', '/_sandbox/requests')).body;
  }
}

/** The value under a path of keys; undefined where the path breaks off. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.entries(found).find(([name]) => name === String(key))?.[1];
  }
  return found;
}

export function bearer(accessToken: string): Record<string, string> {
  return { Authorization: `Bearer ${accessToken}` };
}

/** The token pair in an answer; throws where there is none. */
export function tokensOf({ body }: Reply): { AccessToken: string; RefreshToken: string } {
  const accessToken = at(body, 'Result', 'AccessToken', 'Token');
  const refreshToken = at(body, 'Result', 'RefreshToken');
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') {
    throw new TypeError(`No token pair: ${JSON.stringify(body)}`);
  }
  return { AccessToken: accessToken, RefreshToken: refreshToken };
}

/** The device token in an answer; throws where there is none. */
export function deviceTokenOf({ body }: Reply): string {
  const deviceToken = at(body, 'Result', 'DeviceToken');
  if (typeof deviceToken !== 'string') throw new TypeError(`No device token: ${JSON.stringify(body)}`);
  return deviceToken;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
