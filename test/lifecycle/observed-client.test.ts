import { describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/contract/outcome.ts';
import {
  type DamoovErrorDetails,
  type DamoovErrorKind,
  type DamoovOperation,
  DamoovError,
} from '../../src/damoov/errors.ts';
import type { OperationContext } from '../../src/operations/context.ts';
import { watchedClient } from '../../src/lifecycle/observed-client.ts';
import { A, INSTANCE } from '../operations/operation-world.ts';

type Client = OperationContext['client'];

/** A watched client that notes what reaches the client behind it, and what has passed. */
function createWatched({
  error,
  isAdminCircuitOpen = false,
}: { error?: unknown; isAdminCircuitOpen?: boolean } = {}) {
  const sent: unknown[][] = [];
  const passed: [Circuit, DamoovOperation][] = [];
  const maySend = () => true;
  const answer =
    <Answer>(answer: Answer) =>
    (...call: unknown[]): Promise<Answer> => {
      sent.push(call);
      return error === undefined ? Promise.resolve(answer) : Promise.reject(error);
    };
  const client: Client = {
    hasAdmin: true,
    createUser: answer({ userId: A, deviceToken: A, status: 200 }),
    updateUser: answer({ status: 200, hadResultNull: false }),
    deleteUser: answer({ status: 200, hadResultNull: false }),
    moveUser: answer({ status: 200, hadResultNull: false }),
    findUsers: answer([]),
  };
  const watch = {
    maySend,
    isAdminCircuitOpen,
    passed: (...pass: (typeof passed)[number]) => void passed.push(pass),
  };
  return { client: watchedClient(client, watch), sent, passed, maySend };
}

const CALLS = {
  create: (client: Client, signal?: AbortSignal) => client.createUser(INSTANCE, {}, { signal }),
  update: (client: Client, signal?: AbortSignal) => client.updateUser(A, {}, { signal }),
  delete: (client: Client, signal?: AbortSignal) => client.deleteUser(A, { signal }),
  move: (client: Client, signal?: AbortSignal) => client.moveUser(A, INSTANCE, { signal }),
  find: (client: Client, signal?: AbortSignal) => client.findUsers({ deviceToken: A }, { signal }),
};
const OPERATIONS = ['create', 'update', 'delete', 'move', 'find'] as const;
const circuitOf = (operation: keyof typeof CALLS): Circuit =>
  operation === 'create' ? 'instance-key' : 'admin';

describe.each(OPERATIONS)('a %s', (operation) => {
  const call = CALLS[operation];
  const circuit = circuitOf(operation);

  it('is sent only while its run may send, and under its signal', async () => {
    const { client, sent, maySend } = createWatched();
    const { signal } = new AbortController();
    await call(client, signal);
    expect(sent.map((call) => call.at(-1))).toEqual([{ signal, maySend }]);
  });

  it('that is answered has passed Damoov and its credential', async () => {
    const { client, passed } = createWatched();
    await call(client);
    expect(passed).toEqual([
      ['damoov', operation],
      [circuit, operation],
    ]);
  });

  it.each<[string, DamoovErrorKind, Partial<DamoovErrorDetails>, Circuit[]]>([
    ['a conflict has passed both', 'conflict', { status: 409 }, ['damoov', circuit]],
    ['a refused credential has come as far as Damoov', 'unauthorized', { status: 401 }, ['damoov']],
    ['a rate limit has come as far as Damoov', 'rate-limited', { status: 429 }, ['damoov']],
    ['an error of the server has passed nothing', 'server', { status: 500 }, []],
    ['an answer nobody understands has passed nothing', 'malformed', { status: 200 }, []],
    ['silence has passed nothing', 'timeout', {}, []],
    ['a lost lock has passed nothing', 'aborted', { wasSent: false }, []],
    [
      'a login that was refused before has passed nothing',
      'login-barred',
      { status: 503, wasSent: false },
      [],
    ],
  ])('that ends in %s', async (_title, kind, details, circuits) => {
    const error = new DamoovError({ operation, kind, wasSent: true, ...details });
    const { client, passed } = createWatched({ error });
    await expect(call(client)).rejects.toBe(error);
    expect(passed.map(([circuit]) => circuit)).toEqual(circuits);
  });

  it('that ends in what nobody foresaw has passed nothing', async () => {
    const error = new TypeError('no');
    const { client, passed } = createWatched({ error });
    await expect(call(client)).rejects.toBe(error);
    expect(passed).toEqual([]);
  });
});

it.each(['forbidden', 'not-found', 'rejected', 'no-result'] as const)(
  'a request that is %s was let in by the admin; of a create it may mean the key',
  async (kind) => {
    const passes = OPERATIONS.map(async (operation) => {
      const error = new DamoovError({ operation, kind, status: 400, wasSent: true });
      const { client, passed } = createWatched({ error });
      await CALLS[operation](client).catch(() => {});
      return passed.some(([circuit]) => circuit === circuitOf(operation));
    });
    expect(await Promise.all(passes)).toEqual([false, true, true, true, true]);
  },
);

it.each(['login', 'refresh'] as const)(
  'a %s that is refused says nothing of the admin’s rights',
  async (operation) => {
    const error = new DamoovError({ operation, kind: 'forbidden', status: 403, wasSent: true });
    const { client, passed } = createWatched({ error });
    await expect(CALLS.delete(client)).rejects.toBe(error);
    expect(passed).toEqual([['damoov', 'delete']]);
  },
);

it('while the admin is refused nothing of it is sent, and creates are', async () => {
  const { client, sent, passed } = createWatched({ isAdminCircuitOpen: true });
  for (const operation of ['update', 'delete', 'find'] as const)
    await expect(CALLS[operation](client)).rejects.toMatchObject({ kind: 'login-barred', wasSent: false });
  expect([sent, passed]).toEqual([[], []]);
  await CALLS.create(client);
  expect(sent).toHaveLength(1);
});
