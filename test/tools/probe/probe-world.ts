/**
 * A sandbox whose clock only moves while the probe waits, and a probe of it: what is measured is exact, and no test waits.
 */
import { expect, onTestFinished } from 'vitest';
import type { DamoovInstance } from '../../../src/damoov/calls.ts';
import { DamoovClient } from '../../../src/damoov/client.ts';
import { Facts } from '../../../src/tools/probe/facts.ts';
import { type ProbeEnd, type ProbeOptions, probe } from '../../../src/tools/probe/probe.ts';
import { SANDBOX_CREDENTIALS, type SandboxModes, startSandbox } from '../../../src/sandbox/server.ts';
import type { SandboxRequest, SandboxUser } from '../../support/world.ts';

export const NEVER = new AbortController().signal;

export const SECOND_INSTANCE = {
  id: '55555555-5555-4555-8555-555555555555',
  key: '66666666-6666-4666-8666-666666666666',
};

export interface ProbeWorld {
  readonly client: DamoovClient;
  run(options?: Partial<ProbeOptions>): Promise<ProbeEnd>;
  users(): Promise<SandboxUser[]>;
  requests(): Promise<SandboxRequest[]>;
  /** A user of another client; returns its UserId. */
  signUp(body?: object, instance?: DamoovInstance): Promise<string>;
  close(): Promise<void>;
}

export async function createProbeWorld(modes: Partial<SandboxModes> = {}): Promise<ProbeWorld> {
  let now = Date.UTC(2030, 0, 1);
  const {
    instanceId: id,
    instanceKey: key,
    adminEmail: email,
    adminPassword: password,
  } = SANDBOX_CREDENTIALS;
  const instances = [{ id, key }, SECOND_INSTANCE];
  const sandbox = await startSandbox({ instances, modes, clock: () => now });
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
        secondInstance: SECOND_INSTANCE,
        triesWrongKey: true,
        triesLogins: true,
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
    async signUp(body = {}, instance = { id, key }) {
      const response = await fetch(`${sandbox.url}/v1/Registration/create`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', instanceid: instance.id, instancekey: instance.key },
        body: JSON.stringify(body),
      });
      return ((await response.json()) as { Result: { DeviceToken: string } }).Result.DeviceToken;
    },
    close,
  };
}

/** The facts of a successful probe that left no user behind. */
export async function factsUnder(
  modes: Partial<SandboxModes>,
  options: Partial<ProbeOptions> = {},
): Promise<Facts> {
  const world = await createProbeWorld(modes);
  const { facts, failure, leftovers } = await world.run(options);
  if (failure !== undefined) throw failure;
  expect(leftovers).toMatchObject({ userIds: [], isInDoubt: false });
  expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toEqual([]);
  await world.close();
  return Facts.parse(facts);
}

export type Client = ProbeOptions['client'];

/** A client with some calls of its own. */
export function clientWith(client: Client, own: Partial<Client>): Client {
  return {
    request: (...args) => client.request(...args),
    updateUser: (...args) => client.updateUser(...args),
    deleteUser: (...args) => client.deleteUser(...args),
    moveUser: (...args) => client.moveUser(...args),
    loginUser: (...args) => client.loginUser(...args),
    findUsers: (...args) => client.findUsers(...args),
    page: (...args) => client.page(...args),
    ...own,
  };
}
