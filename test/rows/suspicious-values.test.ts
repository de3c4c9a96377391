import { describe, expect, it } from 'vitest';
import type { RowData } from '../../src/rows/row.ts';
import { createSuspiciousValues } from '../../src/rows/suspicious-values.ts';

function warningsOf(...values: unknown[]): string[] {
  const suspicious = createSuspiciousValues();
  for (const [index, phone] of values.entries()) suspicious.look(row(index + 2, { clientId: 'c', phone }));
  return suspicious.warnings();
}

const row = (line: number, data: RowData) => ({ is: 'row' as const, line, data });

const SPREADSHEET = 'a spreadsheet has changed them: format the column as text there, and export it again';

describe('a value', () => {
  it.each([
    ['4.48E+11', `like 4.48E+11 (line 2): ${SPREADSHEET}`],
    ['4,48E+11', `like 4.48E+11 (line 2): ${SPREADSHEET}`],
    ['-1E-05', `like 4.48E+11 (line 2): ${SPREADSHEET}`],
    [' 4.48e+11 ', `like 4.48E+11 (line 2): ${SPREADSHEET}`],
    ["'+49123", `like '+1 (line 2): ${SPREADSHEET}`],
    ['#NAME?', '#NAME? (line 2): errors of a spreadsheet'],
    ['#REF!', '#REF! (line 2): errors of a spreadsheet'],
    ['####', '#### (line 2): errors of a spreadsheet'],
    ['#N/A', '#N/A (line 2): errors of a spreadsheet'],
    ['NULL', "NULL (line 2): --empty 'NULL' counts them as empty"],
    ['null', "null (line 2): --empty 'null' counts them as empty"],
    ['n/a', "n/a (line 2): --empty 'n/a' counts them as empty"],
    [String.raw`\N`, String.raw`\N (line 2): --empty '\N' counts them as empty`],
    ['undefined', "undefined (line 2): --empty 'undefined' counts them as empty"],
    ['[object Object]', '[object Object] (line 2): a program has written no text'],
    ['M\uFFFDller', 'with U+FFFD (line 2): it stands for a letter that was lost'],
  ])('%j is told as suspicious', (value, warning) => {
    expect(warningsOf(value)).toEqual([`phone: 1 value ${warning}`]);
  });

  it.each([
    '448000000000',
    '+49 123',
    'E+11',
    '12E34',
    '1e5',
    'Nullmeier',
    'Nanette',
    '#1',
    '#',
    "O'Neil",
    "'tis",
    'Noname',
    '',
    'NULL NULL',
    4.48e21,
    null,
    undefined,
    true,
    { a: 'NULL' },
  ])('%j is not', (value) => {
    expect(warningsOf(value)).toEqual([]);
  });

  it('is counted by column and kind, with the first lines of each', () => {
    const suspicious = createSuspiciousValues();
    for (let line = 2; line <= 1300; line += 1) {
      suspicious.look(row(line, { clientId: '1E+9', lastName: 'Ada' }));
    }
    suspicious.look(row(1301, { clientId: 'NULL', lastName: 'NULL' }));
    suspicious.look(row(1302, { clientId: '2E+9', lastName: 'NULL' }));
    const ofIds = [
      `clientId: 1,300 values like 4.48E+11 (lines 2, 3, 4, …): ${SPREADSHEET}`,
      "clientId: 1 value NULL (line 1301): --empty 'NULL' counts them as empty",
    ];
    const ofNames = "lastName: 2 values NULL (lines 1301, 1302): --empty 'NULL' counts them as empty";
    expect(suspicious.warnings()).toEqual([...ofIds, ofNames]);
    expect(suspicious.doubts()).toEqual(ofIds);
  });

  it.each([
    [['1234567890123450', '123456789012345000', 'c-1'], 2],
    [['1234567890123450', '1234567890123460', '1234567890123457'], 2],
    [['1234567890123450', '1234567890123456'], 0],
    [['123456789012340', '1234567890'], 0],
  ])('of a clientId has lost its digits behind the 15th where most of them have: %j', (clientIds, count) => {
    const suspicious = createSuspiciousValues();
    for (const [index, clientId] of clientIds.entries()) suspicious.look(row(index + 2, { clientId }));
    const warning = `clientId: 2 values with nothing but zeros behind 15 digits (lines 2, 3): ${SPREADSHEET}`;
    expect(suspicious.warnings()).toEqual(count > 0 ? [warning] : []);
    expect(suspicious.doubts()).toEqual(suspicious.warnings());
  });
});

describe('a row without a value', () => {
  it('is counted, and may mean anybody', () => {
    const suspicious = createSuspiciousValues();
    for (const line of [3, 5]) suspicious.look({ is: 'empty', line });
    expect(suspicious.warnings()).toEqual([
      '2 rows have no value in any column that is read (lines 3, 5): ' +
        'give those that mean a user a clientId (--map names its column), and remove the others',
    ]);
    expect(suspicious.doubts()).toEqual(suspicious.warnings());
  });
});
