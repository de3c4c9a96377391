import { describe, expect, it } from 'vitest';
import { type ColumnMap, normalizedName } from '../../src/rows/columns.ts';
import type { Field } from '../../src/rows/row.ts';
import { rowsIn, told } from './read-text.ts';

const map = (...entries: [string, Field?][]): ColumnMap =>
  new Map(entries.map(([name, field]) => [normalizedName(name), field]));

describe('the name of a column', () => {
  it.each([
    ['clientId', ['Client ID', 'client_id', 'CLIENT-ID', 'cl\u200Bientid', 'Client\u00A0Id']],
    ['userId', ['user_id', 'User ID', 'USERID']],
    ['firstName', ['first_name', 'First Name', 'FIRSTNAME', 'given_name', 'Given Name']],
    ['lastName', ['last-name', 'Last Name', 'family_name', 'Surname']],
    ['nickname', ['Nick Name', 'nick_name']],
    ['phone', ['Phone Number', 'phone_number', 'Mobile Phone', 'Mobile Number', 'Telephone']],
    ['phone', ['Mobile Phone Number', 'ｐｈｏｎｅ']],
    ['email', ['e-mail', 'E‑Mail', 'E-Mail Address', 'email_address']],
    ['createAccessToken', ['create_access_token']],
    ['occurredAt', ['Occurred At']],
    ['enabled', ['Enabled', 'ENABLED']],
    ['tracking', ['Tracking', 'EnableTracking', 'enable_tracking']],
    ['logging', ['logging', 'EnableLogging', 'Enable Logging']],
    ['realTimeLocation', ['real_time_location', 'EnableRealTimeLocation', 'enable_real_time_location']],
    ['status', ['Status']],
  ])('is that of %s in many ways', async (field, names) => {
    for (const name of names) {
      expect(await rowsIn(`${name},notes\nx,y\n`, { map: map(['notes']) })).toEqual([
        { is: 'row', line: 2, data: { [field]: 'x' } },
      ]);
      expect(await rowsIn(JSON.stringify({ [name]: 'x' }), { format: 'ndjson' })).toEqual([
        { is: 'row', line: 1, data: { [field]: 'x' } },
      ]);
    }
  });

  it('is that of no id where it only resembles one', async () => {
    for (const name of ['id', 'customer id', 'external_id', 'uid']) {
      expect(told(await rowsIn(`${name},email\nx,y\n`))).toEqual([expect.stringContaining('unknown column')]);
    }
  });

  it('which several columns have is one fault for each field', async () => {
    const header = 'email,First Name,E-Mail,clientId,first_name,"given, name"';
    const rows = await rowsIn(`${header}\na,b,c,d,e,f\n`, { map: map(['given, name', 'firstName']) });
    const way = "rename all but one of them, or omit them (--map 'NAME=')";
    expect(told(rows)).toEqual([
      `unreadable 1 - columns 1, 3 are all email: ${way}`,
      `unreadable 1 - columns 2, 5, 6 are all firstName: ${way}`,
    ]);
  });
});

describe('a map', () => {
  it('leaves all other columns out with *, and no known one', async () => {
    const options = { map: map(['*'], ['kundennr', 'clientId']) };
    const csv = 'Kundennr;colour;E-Mail;a@b.c\n1;red;e;x\n';
    expect(told(await rowsIn(csv, options))).toEqual([{ clientId: '1', email: 'e' }]);
    const json = '{"Kundennr":"1","colour":{"a":1},"E-Mail":"e"}';
    expect(told(await rowsIn(json, { ...options, format: 'ndjson' }))).toEqual([
      { clientId: '1', email: 'e' },
    ]);
  });

  it('has no column of a CSV that the file has not', async () => {
    const options = { map: map(['e-post', 'email'], ['notes'], ['*']) };
    expect(told(await rowsIn('clientId,post\na,b\n', options))).toEqual([
      'unreadable 1 - no column is called "epost", which --map maps to email',
    ]);
    expect(told(await rowsIn('colour\na\n', options))).toEqual([
      'unreadable 1 - no column is called "epost", which --map maps to email',
    ]);
  });

  it('warns of a name that no object of NDJSON has, as it may be left out', async () => {
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    const options = { format: 'ndjson', map: map(['e-post', 'email'], ['mobil', 'phone']) } as const;
    const rows = await rowsIn('{"clientId":"a"}\n{"clientId":"b","mobil":"1"}', options, { warn });
    expect(told(rows)).toEqual([{ clientId: 'a' }, { clientId: 'b', phone: '1' }]);
    expect(warnings).toEqual(['no column is called "epost", which --map maps to email']);
  });

  it('has names whatever their case, the blanks around them, and how their accents are encoded', async () => {
    const options = { map: map(['prénom', 'firstName'], ['']) };
    expect(told(await rowsIn(' PRE\u0301NOM ,clientId,\na,b,c\n', options))).toEqual([
      { firstName: 'a', clientId: 'b' },
    ]);
  });

  it('of a section of NDJSON has what is in it left out', async () => {
    const json = '{"clientId":"a","settings":{"theme":"dark","tracking":true}}';
    expect(told(await rowsIn(json, { format: 'ndjson', map: map(['settings']) }))).toEqual([
      { clientId: 'a' },
    ]);
  });

  it('has a known name as something else', async () => {
    const options = { map: map(['user_id', 'clientId'], ['email']) };
    expect(told(await rowsIn('user_id,email\na,b\n', options))).toEqual([{ clientId: 'a' }]);
  });

  it('of more names than are remembered still knows each', async () => {
    const lines = Array.from({ length: 1500 }, (_, n) => JSON.stringify({ [`k${n}`]: 1, 'E-Mail': `${n}` }));
    const rows = await rowsIn(
      [...lines, ...lines].join('\n'),
      { format: 'ndjson', map: map(['*']) },
      { pieceBytes: 4096 },
    );
    expect(told(rows)).toEqual([...lines, ...lines].map((_, n) => ({ email: `${n % 1500}` })));
  });
});

describe('--empty', () => {
  const empty = new Set(['NULL', 'N/A']);

  it('has its values stand for empty cells, exactly as they are but for blanks around them', async () => {
    const csv = 'clientId,lastName,phone\na, NULL ,N/A\nb,Null,n/a\n';
    expect(told(await rowsIn(csv, { empty }))).toEqual([
      { clientId: 'a', lastName: '', phone: '' },
      { clientId: 'b', lastName: 'Null', phone: 'n/a' },
    ]);
    const json = '{"clientId":"a","phone":"NULL","email":null,"createAccessToken":true}';
    expect(told(await rowsIn(json, { empty, format: 'ndjson' }))).toEqual([
      { clientId: 'a', phone: '', email: null, createAccessToken: true },
    ]);
  });

  it('has an empty row where nothing else is, and keeps the faults', async () => {
    const csv = 'clientId,phone\nNULL,N/A\nNULL,\na,NULL\nb\n';
    expect((await rowsIn(csv, { empty })).map(({ is, line }) => `${is} ${line}`)).toEqual([
      'empty 2',
      'empty 3',
      'row 4',
      'faulty 5',
    ]);
  });
});
