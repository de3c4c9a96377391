/**
 * A sandbox whose clock only moves while the probe waits, and a probe of it: what is measured is exact, and no test waits.
 */
import { onTestFinished } from 'vitest';
import { DamoovClient } from '../../../src/damoov/client.ts';
import { type ProbeEnd, type ProbeOptions, probe } from '../../../src/tools/probe/probe.ts';
import { SANDBOX_CREDENTIALS, type SandboxModes, startSandbox } from '../../../src/sandbox/server.ts';
import type { SandboxRequest, SandboxUser } from '../../support/world.ts';

export const NEVER = new AbortController().signal;

export interface ProbeWorld {
  readonly client: DamoovClient;
  run(options?: Partial<ProbeOptions>): Promise<ProbeEnd>;
  users(): Promise<SandboxUser[]>;
  requests(): Promise<SandboxRequest[]>;
  /** A user of another client; returns its UserId. */
  signUp(body?: object): Promise<string>;
  close(): Promise<void>;
}

export async function createProbeWorld(modes: Partial<SandboxModes> = {}): Promise<ProbeWorld> {
  let now = Date.UTC(2030, 0, 1);
  const sandbox = await startSandbox({ modes, clock: () => now });
  const {
    instanceId: id,
    instanceKey: key,
    adminEmail: email,
    adminPassword: password,
  } = SANDBOX_CREDENTIALS;
  const client = new DamoovClient({ baseUrl: sandbox.url, admin: { email, password } });
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await client.close(0);
    await sandbox.close();
  };
  onTestFinished(close);
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${sandbox.url}/_sandbox${path}`)).json();
  return {
    client,
    run: (options = {}) =>
      probe({
        client,
        instance: { id, key },
        triesWrongKey: true,
        mostUsers: undefined,
        patienceMs: 60_000,
        clock: {
          now: () => now,
          async pause(ms, signal) {
            signal.throwIfAborted();
            now += ms;
          },
        },
        signal: NEVER,
        cleanUpSignal: NEVER,
        onStep: () => {},
        ...options,
      }),
    users: async () => ((await ask('')) as { users: SandboxUser[] }).users,
    requests: async () => (await ask('/requests')) as SandboxRequest[],
    async signUp(body = {}) {
      const response = await fetch(`${sandbox.url}/v1/Registration/create`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', instanceid: id, instancekey: key },
        body: JSON.stringify(body),
      });
      return ((await response.json()) as { Result: { DeviceToken: string } }).Result.DeviceToken;
    },
    close,
  };
}
