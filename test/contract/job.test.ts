import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type ParsedJob, JOB_NAMES, MAX_JOB_BYTES, parseJob, parseJobText } from '../../src/contract/job.ts';

const USER_ID = '0E8F8B1C-6D0B-4B7E-9C3A-0A1B2C3D4E5F';

function refusal(parsed: ParsedJob): string {
  if (parsed.ok) throw new Error('the job was accepted');
  return parsed.invalid.message;
}

describe('a job that is accepted', () => {
  it('needs nothing at all to sign a user up', () => {
    expect(parseJob('create-user', {})).toEqual({
      ok: true,
      job: { name: 'create-user', data: { profile: {}, createAccessToken: false, instance: 'default' } },
    });
  });

  it('keeps null apart from a field that is left out, and an empty string apart from both', () => {
    const parsed = parseJob('update-user', { clientId: 'c', changes: { phone: null, nickname: '' } });
    expect(parsed).toMatchObject({ ok: true, job: { data: { changes: { phone: null, nickname: '' } } } });
  });

  it('may take all the bytes that are allowed', () => {
    const text = JSON.stringify({ clientId: 'c' }).padEnd(MAX_JOB_BYTES);
    expect(parseJobText('create-user', text)).toMatchObject({ ok: true, job: { data: { clientId: 'c' } } });
    expect(parseJobText('create-user', `${text} `).ok).toBe(false);
  });

  it('has its userId in lower case', () => {
    const parsed = parseJob('delete-user', { userId: USER_ID });
    expect(parsed).toMatchObject({ ok: true, job: { data: { userId: USER_ID.toLowerCase() } } });
  });
});

describe('a job that is refused', () => {
  it('gets every fault at once', () => {
    const message = refusal(
      parseJob('update-user', { changes: { phone: 7, shoe: 'x' }, occurredAt: 'yesterday', colour: 'red' }),
    );
    for (const fault of ['changes.phone', '"shoe"', 'occurredAt', '"colour"', 'needs clientId or userId']) {
      expect(message).toContain(fault);
    }
  });

  it('has each fault also by itself, with its place', () => {
    const parsed = parseJob('create-user', { clientId: ' ', profile: { phone: 7, shoe: 'x' } });
    expect(!parsed.ok && parsed.invalid.faults).toEqual([
      { path: 'clientId', message: 'must not be blank' },
      { path: 'profile.phone', message: expect.stringContaining('expected string') },
      { path: 'profile', message: 'unknown key "shoe"' },
    ]);
  });

  it.each([
    ['delete-user', { clientId: 'c', settings: {} }],
    ['create-user', { status: 'active' }],
  ])('%s without such a field is given no hint (%j)', (name, data) => {
    expect(refusal(parseJob(name, data))).not.toContain('did you mean');
  });

  it.each([
    ['create-user', { FirstName: 'Ada' }, 'profile.firstName'],
    ['create-user', { ClientId: 'c' }, 'clientId'],
    ['create-user', { CustomToken: USER_ID }, 'userId'],
    ['create-user', { CreateAccessToken: true }, 'createAccessToken'],
    ['create-user', { profile: { first_name: 'Ada' } }, 'firstName'],
    ['create-user', { email: 'ada@example.com' }, 'profile.email'],
    ['update-user', { clientId: 'c', Email: 'ada@example.com' }, 'changes.email'],
    ['delete-user', { DeviceToken: USER_ID }, 'userId'],
    ['update-user', { clientId: 'c', changes: { ClientId: 'd' } }, 'clientId'],
    ['update-user', { clientId: 'c', settings: {} }, 'changes.settings'],
    ['update-user', { clientId: 'c', profile: {} }, 'changes'],
    ['update-user', { clientId: 'c', changes: { tracking_enabled: true } }, 'settings.tracking'],
    ['update-user', { clientId: 'c', status: 'active' }, 'changes.status'],
    ['create-user', { EnableLogging: true }, 'settings.logging'],
    ['create-user', { changes: {} }, 'profile'],
  ])('%s with a foreign spelling is told the right one (%j)', (name, data, hint) => {
    expect(refusal(parseJob(name, data))).toContain(`did you mean ${hint}?`);
  });

  it.each([
    ['an update without changes', 'update-user', { clientId: 'c', changes: {} }],
    ['an update without an address', 'update-user', { changes: { phone: '1' } }],
    ['a deletion without an address', 'delete-user', {}],
    ['a blank clientId', 'create-user', { clientId: '  ' }],
    ['a clientId that is no Unicode', 'create-user', { clientId: '\ud800' }],
    ['a clientId with a line feed in it', 'create-user', { clientId: 'a\nb' }],
    ['a clientId that is not composed', 'delete-user', { clientId: 'Zoe\u0308' }],
    ['a new clientId with a blank', 'update-user', { clientId: 'c', changes: { clientId: 'd ' } }],
    ['a userId that is no UUID', 'create-user', { userId: 'me' }],
    ['a null where data belongs', 'create-user', null],
    ['a list where data belongs', 'create-user', []],
    ['an unknown name', 'merge-user', {}],
    ['the name of an inherited property', 'constructor', {}],
  ])('is %s', (_what, name, data) => {
    expect(parseJob(name, data).ok).toBe(false);
  });

  it("with the Python SDK's name is told ours", () => {
    expect(refusal(parseJob('create_user', {}))).toContain('did you mean create-user?');
  });

  it.each(['constructor', '__proto__', 'toString'])(
    'for the key %s is given no hint of the language itself',
    (key) => {
      expect(refusal(parseJob('create-user', JSON.parse(`{"${key}": 1}`)))).not.toContain('did you mean');
    },
  );

  it('for fifty faults gets all of them, and no more', () => {
    const data = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`x${'y'.repeat(at)}`, 1]));
    const parts = refusal(parseJob('create-user', data)).split('; ');
    expect(parts).toHaveLength(50);
    expect(parts.filter((part) => !part.includes('unknown key'))).toEqual([]);
  });

  it('for thousands of faults is told the first of them and how many more', () => {
    const data = Object.fromEntries(
      Array.from({ length: 2000 }, (_, n) => [`key_${n}`.replaceAll(/\d/g, 'x') + n, 1]),
    );
    const message = refusal(parseJob('create-user', data));
    expect(message.length).toBeLessThan(4000);
    expect(message).toContain('and 1950 more');
  });

  it('is text that is not JSON', () => {
    expect(refusal(parseJobText('create-user', '{"clientId":'))).toBe('the data is not JSON');
  });

  it('is text above the limit in bytes, not in characters', () => {
    const text = JSON.stringify({ profile: { firstName: 'é'.repeat(MAX_JOB_BYTES / 2) } });
    expect(text.length).toBeLessThan(MAX_JOB_BYTES);
    expect(refusal(parseJobText('create-user', text))).toContain('more than the 65536 allowed');
  });

  it('for a clientId that could become another one gets every fault of it, and what to do', () => {
    const faults = [
      'has blanks at its ends: trim it',
      'has control or zero-width characters: remove them, they are invisible and easily lost',
      'is not in Unicode NFC: normalize it to NFC',
    ];
    const clientId = ' Zoe\u0308\u200B';
    const ofClientId = refusal(parseJob('create-user', { clientId }));
    expect(ofClientId).toBe(faults.map((fault) => `clientId: ${fault}`).join('; '));
    const ofChange = refusal(parseJob('update-user', { clientId: 'c', changes: { clientId } }));
    expect(ofChange).toBe(faults.map((fault) => `changes.clientId: ${fault}`).join('; '));
  });

  it.each([
    '\t',
    '\u00A0',
    '\u0000',
    '\u0085',
    '\u00AD',
    '\u200D',
    '\u202E',
    '\u2060',
    '\uFEFF',
    '\u{E0041}',
  ])('has %j in its clientId, in front or behind', (unseen) => {
    for (const clientId of [`${unseen}c`, `c${unseen}`])
      expect(parseJob('create-user', { clientId }).ok).toBe(false);
  });

  it.each(['Zoë', 'a b', 'ada@example.com', '顧客-4711', '😀', 'c'])(
    'is not one whose clientId is %s',
    (clientId) => expect(parseJob('create-user', { clientId })).toMatchObject({ ok: true }),
  );

  it('can still be found again by its sender', () => {
    const parsed = parseJob('create-user', {
      clientId: 'c-1',
      correlationId: 'r-1',
      instance: 'eu',
      phone: '1',
      x: 1,
    });
    expect(parsed).toMatchObject({
      ok: false,
      invalid: { reference: { clientId: 'c-1', correlationId: 'r-1', instance: 'eu' } },
    });
  });

  test.prop([fc.constantFrom(...JOB_NAMES), fc.dictionary(fc.string(), fc.string({ minLength: 8 }))])(
    'never has a value of its data in the message',
    (name, data) => {
      const secret = 'ada.lovelace@example.com';
      const parsed = parseJob(name, {
        ...data,
        [secret]: secret,
        profile: { email: [secret] },
        occurredAt: secret,
      });
      expect(refusal(parsed)).not.toContain(secret);
    },
  );
});

describe('whatever arrives', () => {
  test.prop([fc.string(), fc.anything()])('is parsed or refused, and never throws', (name, data) => {
    expect(parseJob(name, data)).toHaveProperty('ok');
  });

  test.prop([fc.constantFrom(...JOB_NAMES), fc.string()])(
    'as text is parsed or refused, and never throws',
    (name, text) => {
      expect(parseJobText(name, text)).toHaveProperty('ok');
    },
  );

  const changes = fc.record(
    { firstName: fc.option(fc.string({ maxLength: 50 })), phone: fc.option(fc.string({ maxLength: 50 })) },
    { requiredKeys: ['phone'] },
  );
  test.prop([fc.uuid(), changes])(
    'in the shape of the contract comes through unchanged',
    (userId, changes) => {
      const parsed = parseJobText('update-user', JSON.stringify({ userId, changes }));
      expect(parsed).toMatchObject({ ok: true, job: { data: { userId: userId.toLowerCase(), changes } } });
    },
  );
});
