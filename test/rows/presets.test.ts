import { describe, expect, it } from 'vitest';
import type { Field } from '../../src/rows/row.ts';
import { rowsIn, told } from './read-text.ts';

/** As `firebase auth:export` writes it: no header, 52 cells and a comma. */
function firebaseLine(cells: Record<number, string>): string {
  return `${Array.from({ length: 52 }, (_, place) => cells[place] ?? '').join(',')},\n`;
}

describe('an export of Auth0', () => {
  const options = { from: 'auth0' } as const;
  const ada = { clientId: 'auth0|1', email: 'a@b.c', firstName: 'Ada', lastName: 'Lovelace' };

  it('is read as CSV, and as an object a line', async () => {
    const csv = 'user_id,email,email_verified,name,given_name,family_name,nickname,phone_number,clientId\n';
    expect(told(await rowsIn(`${csv}auth0|1,a@b.c,true,Ada L.,Ada,Lovelace,ada,+44,x\n`, options))).toEqual([
      { ...ada, nickname: 'ada', phone: '+44' },
    ]);
    const user = {
      user_id: 'auth0|1',
      email: 'a@b.c',
      given_name: 'Ada',
      family_name: 'Lovelace',
      blocked: true,
    };
    const more = { user_id: 'auth0|2', user_metadata: { phone: '+44' }, identities: [{ user_id: '1' }] };
    const lines = `${JSON.stringify(user)}\n${JSON.stringify(more)}\n`;
    expect(told(await rowsIn(lines, { ...options, format: 'json' }))).toEqual([ada, { clientId: 'auth0|2' }]);
    const map = new Map<string, Field>([['user_metadata.phone', 'phone']]);
    expect(told(await rowsIn(lines, { ...options, map, format: 'json' }))).toEqual([
      ada,
      { clientId: 'auth0|2', phone: '+44' },
    ]);
  });
});

describe('an export of Firebase', () => {
  const options = { from: 'firebase' } as const;

  it('is read as JSON', async () => {
    const users = [
      {
        localId: 'u1',
        email: 'a@b.c',
        displayName: 'Ada',
        phoneNumber: '+44',
        providerUserInfo: [{ email: 'x' }],
      },
      { localId: 'u2', disabled: true },
    ];
    const json = `{"users": [\n${users.map((user) => JSON.stringify(user, null, 2)).join(',\n')}\n]}`;
    expect(told(await rowsIn(json, { ...options, format: 'json' }))).toEqual([
      { clientId: 'u1', email: 'a@b.c', nickname: 'Ada', phone: '+44' },
      { clientId: 'u2' },
    ]);
  });

  it('is read as CSV, by the places of its columns', async () => {
    const csv = [
      firebaseLine({ 0: 'u1', 1: 'a@b.c', 2: 'true', 5: '"Ada, of L"', 23: '1', 25: '+44', 26: 'false' }),
      firebaseLine({ 0: 'u2', 2: 'false', 8: 'google@b.c', 9: 'Google Name' }),
    ].join('');
    expect(await rowsIn(csv, options)).toEqual([
      { is: 'row', line: 1, data: { clientId: 'u1', email: 'a@b.c', nickname: 'Ada, of L', phone: '+44' } },
      { is: 'row', line: 2, data: { clientId: 'u2', email: '', nickname: '', phone: '' } },
    ]);
    const map = new Map<string, Field | undefined>([
      ['displayname', undefined],
      ['email', 'clientId'],
    ]);
    expect(told(await rowsIn(csv, { ...options, map }))).toEqual([
      { clientId: 'a@b.c', phone: '+44' },
      { clientId: '', phone: '' },
    ]);
  });

  it('with other columns is none', async () => {
    expect(told(await rowsIn('u1,a@b.c,true\n', options))).toEqual([
      'unreadable 1 - has 3 columns, where the export has 28 at least',
    ]);
    const header = firebaseLine({ 0: 'UID', 1: 'Email', 25: 'Phone Number' });
    expect(told(await rowsIn(header + firebaseLine({ 0: 'u1' }), options))).toEqual([
      'unreadable 1 - is a header, which the export has not: leave it out (tail -n +2)',
    ]);
    const map = new Map<string, Field>([['mail', 'email']]);
    expect(told(await rowsIn(firebaseLine({ 0: 'u1' }), { ...options, map }))).toEqual([
      'unreadable 1 - no column is called "mail", which --map has as email',
    ]);
  });

  it('that is no CSV is told as any other', async () => {
    const csv = firebaseLine({ 0: 'u1', 5: 'A "B" C' }) + firebaseLine({ 0: 'u2' });
    expect((await rowsIn(csv, options)).map(({ is }) => is)).toContain('unreadable');
  });
});

describe('an export of Keycloak', () => {
  const options = { from: 'keycloak', format: 'json' } as const;
  const user = {
    id: 'k1',
    username: 'ada',
    email: 'a@b.c',
    firstName: 'Ada',
    lastName: 'Lovelace',
    attributes: { phoneNumber: ['+44'], nickname: [], locale: ['en', 'de'] },
    credentials: [{ type: 'password', secretData: '{"value":"x"}' }],
  };
  const data = { clientId: 'k1', email: 'a@b.c', firstName: 'Ada', lastName: 'Lovelace', phone: '+44' };

  it.each([
    [
      'a realm',
      { id: 'r', realm: 'demo', clients: [{ users: [{ id: 'x' }] }], users: [user], groups: ['}]'] },
    ],
    ['the users of a realm', { realm: 'demo', users: [user] }],
    ['an answer of its API', [user]],
    ['a user', user],
  ])('is read where it is %s', async (_what, value) => {
    for (const indent of [0, 2]) {
      expect(told(await rowsIn(JSON.stringify(value, null, indent), options))).toEqual([data]);
    }
  });

  it('is read from several files, one after the other', async () => {
    const file = JSON.stringify({ realm: 'demo', users: [user] });
    expect((await rowsIn(`${file}\n${file}`, options)).map(({ line }) => line)).toEqual([1, 2]);
  });

  it('has another column as clientId where it is mapped', async () => {
    const map = new Map<string, Field>([
      ['username', 'clientId'],
      ['attributes.mobile', 'phone'],
    ]);
    const other = { ...user, attributes: { phoneNumber: ['+44'], mobile: '+49' } };
    expect(told(await rowsIn(JSON.stringify([other]), { ...options, map }))).toEqual([
      { ...data, clientId: 'ada', phone: '+49' },
    ]);
  });

  it('has faults for what is no user, and for what has several values', async () => {
    const users = [
      { id: 'r', realm: 'demo', users: [user] },
      { id: 's', username: 'service-account-x', serviceAccountClientId: 'x' },
      { username: 'no-id' },
      { id: 'k', username: 'two', attributes: { phoneNumber: ['1', '2'] }, email: { a: 1 } },
      { id: 'k', username: 'three', ID: 'l' },
    ];
    expect(told(await rowsIn(JSON.stringify(users), options))).toEqual([
      'faulty 1 - is no user of Keycloak: it has no username',
      'faulty 2 - is a service account, and no person',
      'faulty 3 - has no clientId, which is id unless --map has another one',
      'faulty 4 phone has several values',
      'faulty 5 clientId is there twice',
    ]);
  });
});

describe('an export of Salesforce', () => {
  it.each([
    ['Data Loader', '"Id","IsDeleted","AccountId","LastName","FirstName","Phone","MobilePhone","Email"'],
    ['a report', 'Contact ID,Deleted,Account ID,Last Name,First Name,Phone,Mobile,Email'],
  ])('is read as %s writes it', async (_what, header) => {
    const row = '"003A","false","001B","Lovelace","Ada","+44","+45","a@b.c"';
    expect(told(await rowsIn(`${header}\n${row}\n`, { from: 'salesforce' }))).toEqual([
      { clientId: '003A', lastName: 'Lovelace', firstName: 'Ada', phone: '+44', email: 'a@b.c' },
    ]);
  });

  it('has another phone where it is mapped', async () => {
    const map = new Map<string, Field>([['mobilephone', 'phone']]);
    expect(told(await rowsIn('Id,Phone,MobilePhone\n1,2,3\n', { from: 'salesforce', map }))).toEqual([
      { clientId: '1', phone: '3' },
    ]);
  });
});

describe('an export of HubSpot', () => {
  it.each([
    'Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number',
    'Record ID - Contact,First Name,Last Name,Email,Phone Number,Lead Status',
    'hs_object_id,firstname,lastname,email,phone,mobilephone',
  ])('is read with the header %s', async (header) => {
    expect(told(await rowsIn(`${header}\n1,Ada,Lovelace,a@b.c,+44,x\n`, { from: 'hubspot' }))).toEqual([
      { clientId: '1', firstName: 'Ada', lastName: 'Lovelace', email: 'a@b.c', phone: '+44' },
    ]);
  });

  it('without an id is told what is missing', async () => {
    expect(told(await rowsIn('First Name,Email\nAda,a@b.c\n', { from: 'hubspot' }))).toEqual([
      "unreadable 1 - no column is called Record ID: export it, or name another one with --map 'NAME=clientId'",
    ]);
    const map = new Map<string, Field>([['email', 'clientId']]);
    expect(told(await rowsIn('First Name,Email\nAda,a@b.c\n', { from: 'hubspot', map }))).toEqual([
      { firstName: 'Ada', clientId: 'a@b.c' },
    ]);
  });
});
