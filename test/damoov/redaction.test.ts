import { inspect } from 'node:util';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { redactFaults } from '../../src/damoov/redact.ts';
import { inMemorySessionStore } from '../../src/damoov/session-store.ts';
import { hangUp, json, silence, text } from './scripted-server.ts';
import type { Answer } from './scripted-server.ts';
import { instance, startWorld, userId } from './world.ts';

const person = {
  firstName: 'Adalbertine',
  lastName: "O'Lovelace",
  nickname: 'Ly',
  phone: '+1 (202) 555-0188',
  email: 'Ada.Lovelace+x@example.test',
  clientId: 'ada@crm.example.test',
};
/** Parts of what the client sends, of which none may come back out. */
const secrets = [
  'adalbertine',
  'lovelace',
  '555-0188',
  '5550188',
  'crm.example.test',
  'example.test',
  '5ecret',
  'token-1',
  'refresh-1',
];

/** An answer that says back all that was sent: every value, as it came, in lower case, in the key and in the message. */
function echo(status: number, envelopeStatus: number): Answer {
  return (response, request) => {
    const values = [
      ...textsIn(request.body === '' ? {} : JSON.parse(request.body)),
      ...new URL(request.url, 'http://x').searchParams.values(),
      ...Object.entries(request.headers).flatMap(([name, value]) =>
        /^(InstanceKey|Authorization)$/.test(name) ? value : [],
      ),
    ];
    const bareDigits = values
      .filter((value) => value.startsWith('+'))
      .map((phone) => phone.replaceAll(/\D/g, ''));
    const said = [...values, ...values.map((value) => value.toLowerCase()), ...bareDigits].join(' | ');
    const Errors =
      said === '' ? [] : [{ Key: said, Message: `no good: ${said}` }, said, { Message: request.url }];
    return json(status, { Status: envelopeStatus, Title: said, Errors, Result: null })(response, request);
  };
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('{') ? textsIn(JSON.parse(value)) : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function everythingIn(error: unknown): string {
  const { stack, message, cause } = error instanceof Error ? error : new Error('no error');
  return [
    inspect(error, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify(error),
    stack,
    message,
    inspect(cause),
  ]
    .join('\n')
    .toLowerCase();
}

test.each<[string, Answer]>([
  ['HTTP 422', echo(422, 422)],
  ['HTTP 401', echo(401, 401)],
  ['HTTP 429', echo(429, 429)],
  ['HTTP 500', echo(500, 500)],
  ['HTTP 200 with an error in the envelope', echo(200, 409)],
  ['HTTP 200 without a Result', echo(200, 200)],
  [
    'a page that quotes the request',
    (to, request) => text(200, `<p>${request.url} ${request.body}</p>`)(to, request),
  ],
  ['a broken connection', hangUp],
  ['silence', silence],
])('no error after %s holds a value of the person, a key, a token or a password', async (_what, answer) => {
  const sessionStore = inMemorySessionStore();
  const patient = await startWorld({ sessionStore });
  await patient.client.ensureSession();
  const { server } = patient;
  const { client, clock } = await startWorld({
    baseUrl: server.url,
    sessionStore,
    ...(answer === silence && { timeoutMs: 50 }),
  });
  for (const operation of ['create', 'update', 'find', 'refresh', 'login'] as const)
    server.script(operation, answer);
  const ends = await Promise.allSettled([
    client.createUser(instance, { customToken: userId, ...person }),
    client.createUser(instance, person),
    client.updateUser(userId, person),
    client.findUsers(person),
  ]);
  clock.now += 86_400_000;
  const session = await Promise.allSettled([client.ensureSession()]);
  const errors = [...ends, ...session].flatMap((end) =>
    end.status === 'rejected' ? [everythingIn(end.reason)] : [],
  );
  // To an update a success needs no Result.
  expect(errors.length).toBeGreaterThanOrEqual(4);
  for (const error of errors) {
    for (const secret of secrets) expect(error).not.toContain(secret);
    expect(error).not.toMatch(/\bly\b/);
  }
});

test('what is left of a message can still be read', () => {
  const faults = [{ key: 'Email', message: "'Ada.Lovelace+x@example.test' is already used by Ly, really" }];
  expect(redactFaults(faults, [person.email, person.nickname])).toEqual([
    { key: 'Email', message: "'[redacted]' is already used by [redacted], really" },
  ]);
});

test('a name that begins an email leaves nothing of the email behind', () => {
  const [fault] = redactFaults(
    [{ key: '', message: 'adam@example.test is taken' }],
    ['Adam', 'adam@example.test'],
  );
  expect(fault?.message).toBe('[redacted] is taken');
});

test('whatever characters a secret has, it is taken out wherever it stands', () => {
  const word = fc.string({ unit: 'binary', minLength: 4 }).filter((secret) => {
    const core = secret.trim();
    return core.length > 3 && !'[redacted]'.includes(core.toLowerCase());
  });
  fc.assert(
    fc.property(word, fc.string(), fc.string(), (secret, before, after) => {
      const [fault] = redactFaults(
        [{ key: '', message: `${before.slice(0, 50)}${secret}${after}` }],
        [secret],
      );
      expect(fault?.message).not.toContain(secret.trim());
    }),
  );
});

test.each(['\uD83D lone surrogate', 'cut emoji \uD83D', '\uDE00'.repeat(5)])(
  'a secret that is no well-formed text (%j) is taken out, and breaks nothing',
  (secret) => {
    const [fault] = redactFaults([{ key: secret, message: `no: ${secret}!` }], [secret]);
    expect(fault).toEqual({ key: '[redacted]', message: 'no: [redacted]!' });
  },
);

test('a flood of errors is cut to a sane size', () => {
  const faults = Array.from({ length: 1000 }, () => ({ key: 'k'.repeat(1000), message: 'm'.repeat(1000) }));
  expect(JSON.stringify(redactFaults(faults, [])).length).toBeLessThan(20_000);
});
