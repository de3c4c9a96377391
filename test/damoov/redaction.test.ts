import { inspect } from 'node:util';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { DamoovError } from '../../src/damoov/errors.ts';
import { knownWordsOf, redactedFaults } from '../../src/damoov/known-words.ts';
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
/** Parts of the client's requests that must never appear. */
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

test.each([
  "'Email' is not a valid email address.",
  'Phone is required',
  "Value cannot be null. (Parameter 'user')",
  'Expected a JSON string.',
  'The Email field is not a valid e-mail address.',
  "'Phone' is not in the correct format.",
  "'Last Name' must not be empty.",
  'A non-empty request body is required.',
  'A user with this phone number already exists',
  'The JSON value could not be converted to System.String. Path: $.UserFields.ClientId',
  'Required property CustomToken not found in JSON',
  'InstanceKey is wrong, or the InstanceId is unknown',
  'You do not have permission to access this resource',
])('%j, as a validation framework words it, is told as it is', (message) => {
  expect(knownWordsOf(message)).toBe(message);
});

test.each([
  ["'Ada.Lovelace+x@example.test' is already used by Ly, really", '… is already used by …'],
  ["The value '+1 202 555 0188' is not valid for Phone.", 'The value … is not valid for Phone.'],
  ['Phone must be greater than 202 555 0188', 'Phone must be greater than …'],
  [
    'The field ClientId must be between 3 and 50 characters',
    'The field ClientId must be between … and … characters',
  ],
  ['Gender Male is not allowed', 'Gender … is not allowed'],
  ['The field Vorname muss gesetzt sein', 'The field …'],
  ['line\none\t\u001B[31m two', 'line one …'],
  ['', ''],
])('of %j is told %j: what is on no list is left out', (message, told) => {
  expect(knownWordsOf(message)).toBe(told);
});

const FORMS: Readonly<Record<string, (value: string) => string>> = {
  'as it is': (value) => value,
  'in upper case': (value) => value.toUpperCase(),
  reversed: (value) => Array.from(value).toReversed().join(''),
  decomposed: (value) => value.normalize('NFD'),
  'in full-width letters': (value) =>
    value.replaceAll(/[!-~]/g, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)),
  'escaped for HTML': (value) => Array.from(value, (letter) => `&#${letter.codePointAt(0)};`).join(''),
  'escaped for JSON': (value) =>
    Array.from(value, (letter) => `\\u${(letter.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  'escaped for a URL': (value) => encodeURIComponent(value),
  'in base64': (value) => Buffer.from(value).toString('base64'),
  'in hexadecimal digits': (value) => Buffer.from(value).toString('hex'),
  truncated: (value) => value.slice(0, 4),
  'in two parts': (value) => `${value.slice(0, 4)} ${value.slice(4)}`,
  reordered: (value) => value.split(/[ @.]/).toReversed().join(', '),
};

/** Neither the values nor their parts are words of a message. */
const personal = fc
  .record({
    name: fc.stringMatching(/^[B-Z][bdgkqvwzéüßж]{4,9} [B-Z][bdgkqvwz]{4,9}$/),
    phone: fc.stringMatching(/^\+[1-9]\d{1,2} \d{3} \d{3} \d{4}$/),
    email: fc.stringMatching(/^[bdgkqvwz]{4,9}\+?\d{2,4}@[bdgkqvwz]{4,9}\.example$/),
    birthday: fc.stringMatching(/^(19|20)\d\d-[01]\d-[0-3]\d$/),
  })
  .chain((values) => fc.constantFrom(...Object.values(values)));
const template = fc.constantFrom<(value: string) => string>(
  (value) => `The value '${value}' is not valid for Email.`,
  (value) => `${value} is already used by another user`,
  (value) => `Phone must be at least ${value} characters, not ${value}`,
  (value) => `<p>Email&nbsp;<b>${value}</b> is invalid</p>`,
  (value) => `{"Email":"${value}"}`,
);

test.each(Object.entries(FORMS))('no value of a person is told %s', (_form, written) => {
  fc.assert(
    fc.property(personal, template, (value, sentence) => {
      const form = written(value);
      const [told] = redactedFaults([{ key: form, message: sentence(form) }]);
      // Nothing but what the sentence says without any value.
      const words = new Set(sentence('').match(/[A-Za-z]+/g));
      expect(told?.key).toBe('…');
      for (const word of told?.message.match(/[\p{L}\p{N}]+/gu) ?? []) expect(words).toContain(word);
    }),
  );
});

test('whatever Damoov says, only words are told', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', 'Z', '5', ' ', '@', 'é', '\u200b', 'is', ' of ', ' at least '),
        maxLength: 60,
      }),
      (message) => {
        expect(knownWordsOf(message)).toMatch(/^[A-Za-z"'()[\]{}.,:;!?/_|$… -]*$/);
      },
    ),
  );
});

test('a flood of errors is cut to a sane size', () => {
  const faults = Array.from({ length: 1000 }, () => ({
    key: 'key '.repeat(300),
    message: 'is '.repeat(1000),
  }));
  expect(JSON.stringify(redactedFaults(faults)).length).toBeLessThan(20_000);
});

test('the message of an error is Unicode, also where Damoov’s text was cut in the middle of an emoji', () => {
  const errors = redactedFaults([{ key: 'Email', message: `is invalid x${'😀'.repeat(200)}` }]);
  const error = new DamoovError({ operation: 'create', kind: 'rejected', wasSent: true, errors });
  expect([error.message.includes('is invalid'), error.message.isWellFormed()]).toEqual([true, true]);
});

test('a code of a country is a value, though it is also a word, and so is a quoted word', () => {
  const codes = ['IT', 'NO', 'IN', 'BE', 'AT', 'IS', 'AM', 'AS', 'BY', 'DO', 'SO', 'TO', 'MAX', 'PER', 'CAN'];
  for (const code of codes) {
    expect(knownWordsOf(`The value ${code} is not valid for Country.`)).not.toContain(code);
    expect(knownWordsOf(`The value '${code}' is not valid.`)).not.toContain(code);
  }
  expect(knownWordsOf("The value 'Most' is not valid for 'City'.")).toBe(
    "The value … is not valid for 'City'.",
  );
  expect(knownWordsOf('The ID or URL is not valid.')).toBe('The ID or URL is not valid.');
});
