import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fc, test } from '@fast-check/vitest';
import asyncApiSpecs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { CloudEvent } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { schemaFiles } from '../../../scripts/schema-files.ts';
import { asyncApi } from '../../../src/contract/schema/asyncapi.ts';
import { isClientId } from '../../../src/contract/client-id.ts';
import { UserEvent } from '../../../src/contract/event.ts';
import { JOB_NAMES, type JobName, parseJob } from '../../../src/contract/job.ts';
import {
  type JsonSchema,
  bundle,
  eventSchemas,
  jobSchemas,
} from '../../../src/contract/schema/json-schema.ts';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

// The patterns beside them say all that the formats say.
const ajv = new Ajv({ strict: true, strictRequired: false, validateFormats: false });
const judges = Object.fromEntries(
  Object.entries(jobSchemas()).map(([name, schema]) => [name, ajv.compile(schema)]),
) as Record<JobName, ReturnType<Ajv['compile']>>;
const EVENTS = Object.entries(eventSchemas());

type Fields = Record<string, fc.Arbitrary<unknown>>;

/** Right values, of which any may be missing; more often than not one of them is replaced by another one. */
function mostlyRight(right: Fields, others: Fields): fc.Arbitrary<object> {
  const spoilt = Object.entries(others).map(([name, value]) => fc.record({ [name]: value }));
  return fc
    .tuple(fc.record(right, { requiredKeys: [] }), fc.oneof(fc.constant({}), ...spoilt))
    .map(([fields, spoil]) => ({ ...fields, ...spoil }));
}

const odd = fc.oneof(
  fc.constantFrom(
    null,
    '',
    ' ',
    '\u00A0\u2003',
    0,
    true,
    [],
    {},
    ['a'],
    ' a',
    'a\u00A0',
    'a\u200Bb',
    'a\n',
    'a b',
  ),
  fc.string({ maxLength: 5 }),
);
const around = (limit: number) =>
  fc
    .tuple(fc.integer({ min: -1, max: 1 }), fc.constantFrom('x', '😀'))
    .map(([n, one]) => one.repeat(limit + n));
const oddText = (limit: number) => fc.oneof(odd, around(limit));
const text = fc.string({ maxLength: 8, unit: 'binary' }).filter((value) => value.isWellFormed());
const name = fc.string({ minLength: 1, maxLength: 8 }).map((value) => `c${value}`);
const uuid = fc.uuid().map((id) => id.toUpperCase());
const oddUuid = fc.oneof(
  fc.uuid().map((id) => id.replaceAll('-', '')),
  fc.uuid().map((id) => `${id}\n`),
  odd,
);
const time = fc.constantFrom(
  '2026-01-31T12:00:00Z',
  '2024-02-29T12:00:00.123456+14:00',
  '2000-01-01T00:00:00-00:00',
);
const oddTime = fc.oneof(
  fc.constantFrom('2026-02-29T12:00:00Z', '2026-01-31T24:00:00Z', '2026-01-31', '2026-01-31T12:00:00'),
  fc.constantFrom('2026-01-31T12:00Z', '2026-01-31T12:00:00+25:00', '2026-01-31t12:00:00z'),
  odd,
);
const section = (right: Fields) =>
  mostlyRight(
    { firstName: text, phone: text, email: text, ...right },
    {
      lastName: oddText(1024),
      nickname: fc.constant(null),
      clientId: oddText(256),
      FirstName: text,
    },
  );
const RIGHT: Fields = { clientId: name, userId: uuid, instance: name, correlationId: text, occurredAt: time };
const ODD: Fields = {
  clientId: oddText(256),
  userId: oddUuid,
  profile: odd,
  changes: odd,
  createAccessToken: odd,
  reason: oddText(1024),
  instance: oddText(64),
  toInstance: oddText(64),
  correlationId: oddText(256),
  occurredAt: oddTime,
  unknown: text,
};
const OF_THE_JOB: Record<JobName, Fields> = {
  'create-user': { profile: section({}), createAccessToken: fc.boolean() },
  'update-user': { changes: section({ nickname: fc.constant(null), clientId: name }) },
  'delete-user': { reason: text },
  'move-user': { toInstance: name },
};
const job = fc
  .constantFrom(...JOB_NAMES)
  .chain((jobName) =>
    fc.tuple(
      fc.constant(jobName),
      fc.oneof(
        { weight: 30, arbitrary: mostlyRight({ ...RIGHT, ...OF_THE_JOB[jobName] }, ODD) },
        { weight: 1, arbitrary: odd },
      ),
    ),
  );

describe('the JSON Schema of a job', () => {
  const seen = new Map<string, number>();

  test.prop([job], { numRuns: 3000 })(
    'takes what the service takes, and refuses what it refuses',
    ([name, data]) => {
      const json: unknown = JSON.parse(JSON.stringify(data));
      const { ok } = parseJob(name, json);
      seen.set(`${name} ${ok}`, (seen.get(`${name} ${ok}`) ?? 0) + 1);
      expect([judges[name](json), json]).toEqual([ok, json]);
    },
  );

  it('was held against many of both kinds', () => {
    expect([...seen.keys()].sort()).toEqual(
      JOB_NAMES.flatMap((name) => [`${name} false`, `${name} true`]).sort(),
    );
    expect(Math.min(...seen.values())).toBeGreaterThan(20);
  });

  it('cannot refuse ill-formed Unicode, as the service does', () => {
    const data = { clientId: '\uD800' };
    expect([judges['create-user'](data), parseJob('create-user', data).ok]).toEqual([true, false]);
  });

  it('refuses a clientId with a character that cannot be seen wherever the service does', () => {
    const wrong = [];
    for (let code = 0; code < 0xffff; code += 1) {
      const text = String.fromCharCode(code);
      for (const clientId of [`a${text}b`, `a${text}`]) {
        const isKnownHere = !clientId.isWellFormed() || clientId !== clientId.normalize('NFC');
        if (!isKnownHere && judges['create-user']({ clientId }) !== isClientId(clientId))
          wrong.push(clientId);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('cannot refuse a clientId that is not in NFC, as the service does', () => {
    const data = { clientId: 'Zoe\u0308' };
    expect([judges['create-user'](data), parseJob('create-user', data).ok]).toEqual([true, false]);
  });

  it('cannot refuse a time out of bounds, as the service does', () => {
    const data = { clientId: 'c-1', occurredAt: '1970-01-21T18:51:18Z' };
    expect([judges['create-user'](data), parseJob('create-user', data).ok]).toEqual([true, false]);
  });

  it.each(Object.entries(jobSchemas()))(
    '%s has examples that are jobs, and says what each field is',
    (name, schema) => {
      const examples = schema['examples'] as unknown[];
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) expect(parseJob(name, example)).toMatchObject({ ok: true });
      const { profile, changes, ...others } = schema['properties'] as Record<string, JsonSchema>;
      for (const field of [profile, changes, ...Object.values(others)]) {
        if (field !== undefined) expect(field).toHaveProperty('description');
      }
    },
  );
});

describe('an event', () => {
  it.each(EVENTS)('%s of the examples is one for us, its schema and CloudEvents 1.0', (_type, schema) => {
    const [example] = schema['examples'] as [object];
    expect(UserEvent.parse(example)).toEqual(example);
    expect(ajv.compile(schema)(example)).toBe(true);
    expect(new CloudEvent(example, true).toJSON()).toEqual(example);
  });

  it.each(EVENTS)('%s may have a field more some day: its schema lets it through', (_type, schema) => {
    const [example] = schema['examples'] as [{ data: object }];
    const later = { ...example, extension: 1, data: { ...example.data, more: 1 } };
    expect(ajv.compile(schema)(later)).toBe(true);
    expect(ajv.compile(schema)({ ...later, type: 'user.renamed' })).toBe(false);
  });
});

describe('the AsyncAPI document', () => {
  it("is one by AsyncAPI's own schema", () => {
    const judge = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const valid = judge.compile(asyncApiSpecs.schemasWithoutId['3.0.0'] as object);
    valid(asyncApi(version));
    expect(valid.errors).toBeNull();
    valid({ ...asyncApi(version), channels: { jobs: { address: 1 } } });
    expect(valid.errors).not.toBeNull();
  });

  it('refers only to what it has', () => {
    const document = asyncApi(version);
    const targets = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path = '']) => path,
    );
    expect(targets.length).toBeGreaterThan(10);
    for (const path of targets) {
      let place: unknown = document;
      for (const step of path.split('/')) place = (place as Record<string, unknown>)[step];
      expect([path, typeof place]).toEqual([path, 'object']);
    }
  });
});

describe('what is kept in docs/reference/schema', () => {
  it('is what the code says: `npm run schemas` writes it', async () => {
    const kept = await readdir('docs/reference/schema');
    const files = schemaFiles(version);
    expect(kept.sort()).toEqual(files.map(([name]) => name).sort());
    for (const [name, text] of files)
      expect([name, await readFile(`docs/reference/schema/${name}`, 'utf8')]).toEqual([name, text]);
  });

  it('is one schema, too, that knows every job and event', () => {
    expect(Object.keys(bundle()['definitions'] as object)).toEqual([
      ...JOB_NAMES,
      ...EVENTS.map(([type]) => type),
    ]);
    expect(() =>
      new Ajv({ strict: true, strictRequired: false, validateFormats: false }).compile(bundle()),
    ).not.toThrow();
  });
});
