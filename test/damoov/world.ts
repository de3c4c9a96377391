/** A client, the scripted server it speaks to, and a clock that only the test moves. */
import { onTestFinished, vi } from 'vitest';

import { DamoovClient } from '../../src/damoov/client.ts';
import type { DamoovClientOptions } from '../../src/damoov/client-options.ts';
import { DamoovError } from '../../src/damoov/errors.ts';
import { scriptedServer, success, tokens } from './scripted-server.ts';

export const userId = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
export const instance = { id: '11111111-aaaa-4111-8111-111111111111', key: 'instance-key-5ecret' };
export const admin = { email: 'admin@example.test', password: 'pass"word\\5ecret' };

/** The headers of every request, and of one with a body. */
export const always = { accept: 'application/json', 'user-agent': 'damoov-user-lifecycle' };
export const jsonBody = { 'content-type': 'application/json' };

export async function startWorld(options: Partial<DamoovClientOptions> = {}) {
  const server = await scriptedServer();
  const clock = { now: 1_800_000_000_000 };
  server.script('login', tokens('token-1', 'refresh-1'));
  server.script('create', success({ DeviceToken: userId, AccessToken: null, RefreshToken: null }));
  server.script('update', success());
  server.script('delete', success());
  server.script('find', success([]));
  const client = new DamoovClient({ baseUrl: server.url, admin, now: () => clock.now, ...options });
  onTestFinished(() => client.close(0));
  return { server, client, clock };
}

/** From now to the end of the test, only the test moves the time of deadlines: a slow machine fails no test. */
export function holdDeadlines(): { readonly pass: (ms: number) => void } {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  return { pass: (ms) => void vi.advanceTimersByTime(ms) };
}

/** The error with which a call ends; the test fails where it does not. */
export async function errorOf(call: Promise<unknown>): Promise<DamoovError> {
  const end = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (end instanceof DamoovError) return end;
  throw new Error('this call was to end with a DamoovError', { cause: end });
}

/** The errors of calls that all run at once. */
export function errorsOf(...calls: Promise<unknown>[]): Promise<DamoovError[]> {
  return Promise.all(calls.map(errorOf));
}
