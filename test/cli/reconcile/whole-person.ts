/** People with a value in every compared field, as a list writes them and as an update writes them at Damoov. */
import { type Person, person } from './reconcile-world.ts';

const MARITAL_STATUSES = ['married', 'widowed', 'divorced', 'single'];

/** Values that no {@link wholePerson} has: texts, and the ways to write a flag, in the order in which differences name the fields. */
const OTHERS = {
  firstName: () => 'Other',
  lastName: () => 'Other',
  nickname: () => 'Other',
  phone: () => '+1',
  email: () => 'other@example.com',
  gender: () => 'other',
  birthday: () => '2001-02-03',
  maritalStatus: (value: string) => (value === 'single' ? 'married' : 'single'),
  childrenCount: (value: string) => String(Number(value) + 1),
  country: () => 'Other',
  district: () => 'Other',
  city: () => 'Other',
  address: () => 'Other',
  enabled: (value: string) => (value === 'true' ? 'false' : 'true'),
  tracking: (value: string) => (value === 'yes' ? 'no' : 'yes'),
  logging: (value: string) => (value === '1' ? '0' : '1'),
  realTimeLocation: (value: string) => (value === 'TRUE' ? 'FALSE' : 'TRUE'),
  status: (value: string) => (value === 'active' ? 'deactivated' : 'active'),
};
export type WholeField = keyof typeof OTHERS;
export const WHOLE = Object.keys(OTHERS) as WholeField[];
export type WholePerson = Person & Record<WholeField, string>;

export const wholePerson = (number: number): WholePerson => ({
  ...(person(number) as Required<Person>),
  nickname: `Nick${number}`,
  gender: number % 2 === 0 ? 'female' : 'male',
  birthday: `19${50 + (number % 50)}-01-31`,
  maritalStatus: MARITAL_STATUSES[number % 4] ?? '',
  childrenCount: String(number % 5),
  country: 'GB',
  district: `District ${number}`,
  city: `City ${number}`,
  address: `${number} Main Street`,
  enabled: number % 3 > 0 ? 'true' : 'false',
  tracking: number % 5 > 0 ? 'yes' : 'no',
  logging: number % 7 > 0 ? '0' : '1',
  realTimeLocation: number % 2 > 0 ? 'TRUE' : 'FALSE',
  status: number % 10 > 0 ? 'active' : 'deactivated',
});

/** The person with another value in each of these fields. */
export function changed(one: WholePerson, fields: readonly WholeField[]): WholePerson {
  return { ...one, ...Object.fromEntries(fields.map((field) => [field, OTHERS[field](one[field])])) };
}

/** The body of the update that gives a user what {@link wholePerson} has beside a {@link person}. */
export function restOf(number: number): object {
  const {
    nickname,
    gender,
    birthday,
    maritalStatus,
    childrenCount,
    country,
    district,
    city,
    address,
    status,
  } = wholePerson(number);
  return {
    Nickname: nickname,
    Gender: gender === 'female' ? 'Female' : 'Male',
    Birthday: birthday,
    MaritalStatus: String(1 + MARITAL_STATUSES.indexOf(maritalStatus)),
    ChildrenCount: Number(childrenCount),
    Country: country,
    District: district,
    City: city,
    Address: address,
    Status: status === 'active' ? 'Active' : 'Deactivated',
    UserFields: {
      Enabled: number % 3 > 0,
      EnableTracking: number % 5 > 0,
      EnableLogging: number % 7 === 0,
      EnableRealTimeLocation: number % 2 > 0,
    },
  };
}
