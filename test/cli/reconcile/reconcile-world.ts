/** A fleet, `reconcile` on it, and people in the list and at Damoov. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/server.ts';
import { type CommandEnd, runCommand } from '../../support/run-command.ts';
import { createWorld } from '../../support/world.ts';

export interface Person {
  clientId?: string;
  firstName?: string;
  lastName?: string;
  nickname?: string;
  phone?: string;
  email?: string;
}

export const person = (number: number): Person => ({
  clientId: `c-${number}`,
  firstName: `First${number}`,
  lastName: `Last${number}`,
  phone: `+44 20 ${number}`,
  email: `mail${number}@example.com`,
});

export const people = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => person(from + at));

const COLUMNS = ['clientId', 'firstName', 'lastName', 'phone', 'email'] as const;

export const csvOf = <Row extends Person>(rows: readonly Row[], columns: readonly (keyof Row)[] = COLUMNS) =>
  [columns.join(','), ...rows.map((row) => columns.map((name) => row[name] ?? '').join(','))].join('\n');

export async function createReconcileWorld(options: Parameters<typeof createWorld>[0] = {}) {
  const world = await createWorld({ startsWorker: false, ...options });
  const dir = await mkdtemp(join(tmpdir(), 'reconcile-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const write = async (text: string, name = 'users.csv') => {
    const path = join(dir, name);
    await writeFile(path, text);
    // The clock of the file system lags behind by some milliseconds, and the time of a file is cut to a whole one.
    await nextMillisecond();
    await utimes(path, new Date(), new Date());
    return path;
  };
  return {
    ...world,
    dir,
    write,
    /** Users made by others than us; answers their UserIds, in their order. */
    async signUp(persons: readonly Person[]): Promise<string[]> {
      const ids: string[] = [];
      for (let from = 0; from < persons.length; from += 50) {
        ids.push(...(await Promise.all(persons.slice(from, from + 50).map(signUpAt(world.sandboxUrl)))));
      }
      return ids;
    },
    reconcile: (...args: string[]) => runCommand(['reconcile', ...args], world.env),
    /** The environment in which there is another instance, too. */
    async withInstances(name: string) {
      const path = join(dir, 'instances.json');
      await writeFile(path, JSON.stringify({ [name]: { id: randomUUID(), key: randomUUID() } }));
      return { ...world.env, DAMOOV_INSTANCES_FILE: path };
    },
    mutations: async () =>
      (await world.requests()).filter(({ operation }) => MUTATIONS.includes(operation)).length,
  };
}

export const signUpAt =
  (url: string) =>
  async ({ clientId, firstName, lastName, nickname, phone, email }: Person): Promise<string> => {
    const id = randomUUID();
    const { instanceId, instanceKey } = SANDBOX_CREDENTIALS;
    const response = await fetch(`${url}/v1/Registration/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', instanceid: instanceId, instancekey: instanceKey },
      body: JSON.stringify({
        CustomToken: id,
        FirstName: firstName,
        LastName: lastName,
        Nickname: nickname,
        Phone: phone,
        Email: email,
        UserFields: { ClientId: clientId },
      }),
    });
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
    return id;
  };

export const MUTATIONS = ['create', 'update', 'delete', 'move'];

interface Told {
  kind?: string;
  line?: number;
  clientId?: string;
  userId?: string;
  userIds?: string[];
  fields?: string[];
  summary?: Record<string, unknown>;
}

export function told({ stdout }: CommandEnd): Told[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
}

/** Times have milliseconds: later steps are later than earlier ones. */
export async function nextMillisecond(): Promise<void> {
  const at = Date.now();
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(at);
}
