import { getEventListeners } from 'node:events';

import { expect, test } from 'vitest';

import { type Admission, type Arrival, type Departure, atMostInFlight } from '../../src/damoov/traffic.ts';
import { hangUp, refusal, success } from './scripted-server.ts';
import { errorOf, errorsOf, holdDeadlines, instance, startWorld, userId } from './world.ts';

/** Traffic that the test directs: every request waits until it is let through or refused. */
function directedTraffic() {
  const waiting: { departure: Departure; decide: (admission: Admission) => void }[] = [];
  const arrivals: Arrival[] = [];
  let arrived: (() => void) | undefined;
  return {
    arrivals,
    admit: (departure: Departure) =>
      new Promise<Admission>((decide) => {
        departure.signal.addEventListener('abort', () => decide({ admitted: false, retryAfterMs: 0 }));
        waiting.push({ departure, decide });
        arrived?.();
      }),
    answered: (arrival: Arrival) => void arrivals.push(arrival),
    /** The next request that asks, as soon as it asks. */
    async next() {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      const { departure, decide } = waiting.shift() as (typeof waiting)[number];
      return {
        ...departure,
        letPass: () => decide({ admitted: true }),
        refuse: (retryAfterMs: number) => decide({ admitted: false, retryAfterMs }),
      };
    },
  };
}

/** Traffic that admits everything and records the requests. */
function openTraffic() {
  const asked: string[] = [];
  const arrivals: Arrival[] = [];
  return {
    asked,
    arrivals,
    admit: async ({ operation }: Departure): Promise<Admission> => {
      asked.push(operation);
      return { admitted: true };
    },
    answered: (arrival: Arrival) => void arrivals.push(arrival),
  };
}

test('no request leaves before it is admitted', async () => {
  const traffic = directedTraffic();
  const { server, client } = await startWorld({ traffic });
  const created = client.createUser(instance, {});
  const request = await traffic.next();
  expect(request.operation).toBe('create');
  expect(server.received).toEqual([]);
  request.letPass();
  await created;
  expect(server.count('create')).toBe(1);
});

test('every request asks: login, the request itself, the refresh and the request that is sent again', async () => {
  const traffic = openTraffic();
  const { server, client } = await startWorld({ traffic });
  server.script('update', refusal(401), success());
  server.script('refresh', success({ AccessToken: { Token: 'token-2', ExpiresIn: 86_400 } }));
  await client.updateUser(userId, { phone: '1' });
  await client.deleteUser(userId);
  await client.findUsers({ deviceToken: userId });
  await client.createUser(instance, {});
  expect(traffic.asked).toEqual(['login', 'update', 'refresh', 'update', 'delete', 'find', 'create']);
  expect(server.received.map(({ operation }) => operation)).toEqual(traffic.asked);
  expect(traffic.arrivals.map(({ operation, status, kind }) => [operation, status, kind])).toEqual([
    ['login', 200, undefined],
    ['update', 401, 'unauthorized'],
    ['refresh', 200, undefined],
    ['update', 200, undefined],
    ['delete', 200, undefined],
    ['find', 200, undefined],
    ['create', 200, undefined],
  ]);
});

test('the end of each exchange is told, with Retry-After and also where there was no answer', async () => {
  const traffic = openTraffic();
  const { server, client } = await startWorld({ traffic });
  server.script('create', refusal(429, [], { 'retry-after': '7' }), refusal(503), hangUp);
  await errorOf(client.createUser(instance, {}));
  await errorOf(client.createUser(instance, {}));
  await errorOf(client.createUser(instance, {}));
  expect(traffic.arrivals).toMatchObject([
    { kind: 'rate-limited', status: 429, retryAfterMs: 7000 },
    { kind: 'server', status: 503, retryAfterMs: undefined },
    { kind: 'network', status: undefined },
  ]);
});

test('a request that is refused is rate-limited, was not sent and says when to come again', async () => {
  const traffic = directedTraffic();
  const { server, client } = await startWorld({ traffic });
  const error = errorOf(client.createUser(instance, { customToken: userId }));
  (await traffic.next()).refuse(1234);
  expect(await error).toMatchObject({
    kind: 'rate-limited',
    operation: 'create',
    wasSent: false,
    mayHaveBeenApplied: false,
    retryAfterMs: 1234,
    message: expect.stringContaining(userId),
  });
  expect(server.received).toEqual([]);
  expect(traffic.arrivals).toEqual([]);
});

test('a login that is refused spends nothing of the budget of logins', async () => {
  const traffic = directedTraffic();
  let spent = 0;
  const loginBudget = {
    take: async () => ((spent += 1), { granted: true as const }),
    bar: async () => {},
    giveBack: async () => void (spent -= 1),
  };
  const { client } = await startWorld({ traffic, loginBudget });
  const error = errorOf(client.ensureSession());
  (await traffic.next()).refuse(1000);
  expect(await error).toMatchObject({ kind: 'rate-limited', operation: 'login', retryAfterMs: 1000 });
  expect(spent).toBe(0);
});

test('the signal of a call ends its wait: aborted, and not sent', async () => {
  const traffic = directedTraffic();
  const { server, client } = await startWorld({ traffic });
  const abort = new AbortController();
  const error = errorOf(client.createUser(instance, {}, { signal: abort.signal }));
  await traffic.next();
  abort.abort();
  expect(await error).toMatchObject({ kind: 'aborted', wasSent: false });
  expect(await errorOf(client.createUser(instance, {}, { signal: abort.signal }))).toMatchObject({
    kind: 'aborted',
  });
  expect(server.received).toEqual([]);
});

test('a long-lived signal keeps no listener of a wait that is over', async () => {
  const traffic = openTraffic();
  const { server, client } = await startWorld({ traffic });
  const { signal } = new AbortController();
  await client.createUser(instance, {}, { signal });
  server.script('create', hangUp);
  await errorOf(client.createUser(instance, {}, { signal }));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a login is not sent into an outage if the traffic does not let anybody ask whether it is over', async () => {
  let isHeld = false;
  const traffic = {
    ...openTraffic(),
    admit: async (): Promise<Admission> =>
      isHeld ? { admitted: false, retryAfterMs: 1000 } : { admitted: true },
  };
  let logins = 0;
  const loginBudget = { take: async () => ((logins += 1), { granted: true as const }), bar: async () => {} };
  const { server, client } = await startWorld({ traffic, loginBudget });
  server.script('create', refusal(503));
  await errorOf(client.createUser(instance, {}));
  isHeld = true;
  expect(await errorOf(client.deleteUser(userId))).toMatchObject({ kind: 'rate-limited', wasSent: false });
  expect(logins).toBe(0);
});

test('closing the client ends every wait', async () => {
  const traffic = directedTraffic();
  const { client } = await startWorld({ traffic });
  const errors = errorsOf(client.createUser(instance, {}), client.createUser(instance, {}));
  await traffic.next();
  await traffic.next();
  await client.close();
  expect((await errors).map(({ kind, wasSent }) => [kind, wasSent])).toEqual([
    ['aborted', false],
    ['aborted', false],
  ]);
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'aborted' });
});

test('the wait is no part of the deadline', async () => {
  const deadlines = holdDeadlines();
  const traffic = directedTraffic();
  const { client } = await startWorld({ traffic, timeoutMs: 1000 });
  const created = client.createUser(instance, {});
  const request = await traffic.next();
  deadlines.pass(60_000);
  request.letPass();
  await expect(created).resolves.toMatchObject({ userId });
});

test('whether it may be sent is asked after the wait, and the traffic hears of a request that was not', async () => {
  const traffic = directedTraffic();
  const { server, client } = await startWorld({ traffic });
  let maySend = true;
  const error = errorOf(client.createUser(instance, {}, { maySend: () => maySend }));
  const request = await traffic.next();
  maySend = false;
  request.letPass();
  expect(await error).toMatchObject({ kind: 'aborted', wasSent: false });
  expect(server.received).toEqual([]);
  expect(traffic.arrivals).toMatchObject([{ operation: 'create', kind: 'aborted', status: undefined }]);
});

/** Requests that a limit of two admits one after the other. */
function limited(traffic = openTraffic()) {
  const limit = atMostInFlight(2, traffic);
  const admitted: string[] = [];
  const ask = async (name: string, signal = new AbortController().signal) => {
    await limit.admit({ operation: 'create', signal }).then(
      () => admitted.push(name),
      () => admitted.push(`${name} failed`),
    );
  };
  const end = () =>
    limit.answered({ operation: 'create', status: 200, wasSent: true, durationMs: 1 } satisfies Arrival);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { admitted, ask, end, turn, traffic };
}

test('no more requests are in flight than may be, and the others follow in their order', async () => {
  const { admitted, ask, end, turn } = limited();
  for (const name of ['1', '2', '3', '4', '5']) void ask(name);
  await turn();
  expect(admitted).toEqual(['1', '2']);
  // Two that end in one turn let two others in.
  end();
  end();
  await turn();
  expect(admitted).toEqual(['1', '2', '3', '4']);
  end();
  await turn();
  expect(admitted).toEqual(['1', '2', '3', '4', '5']);
});

test('a request that is not waited for any more takes no place from the others', async () => {
  const { admitted, ask, end, turn } = limited();
  const controller = new AbortController();
  for (const name of ['1', '2']) void ask(name);
  void ask('aborted', controller.signal);
  for (const name of ['3', '4']) void ask(name);
  await turn();
  controller.abort();
  await turn();
  expect(admitted).toEqual(['1', '2', 'aborted']);
  // The end of the aborted one lets none in.
  end();
  await turn();
  expect(admitted).toEqual(['1', '2', 'aborted']);
  end();
  await turn();
  expect(admitted).toEqual(['1', '2', 'aborted', '3']);
});

test.each([
  ['is refused', async (): Promise<Admission> => ({ admitted: false, retryAfterMs: 1 })],
  ['fails', async (): Promise<Admission> => Promise.reject(new Error('away'))],
])('a request whose admission %s leaves its place', async (_how, admit) => {
  const { admitted, ask, turn } = limited({ ...openTraffic(), admit });
  for (const name of ['1', '2', '3']) void ask(name);
  await turn();
  expect(admitted).toHaveLength(3);
});
