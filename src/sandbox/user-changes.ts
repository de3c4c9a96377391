/**
 * Reads the user data of a create or an update, and all its faults.
 */
import { z } from 'zod';
import { faultsOf } from './body-faults.ts';
import { timeOf } from './dates.ts';
import type { FieldFault } from './envelope.ts';
import type { SandboxModes } from './modes.ts';
import { type Body, isObject } from './request.ts';
import type { Profile, UserFields, UserRecord } from './user-record.ts';
import { withoutFields } from './without-fields.ts';

export interface UserChanges {
  readonly profile: Profile;
  readonly fields: UserFields;
  readonly status: UserRecord['status'] | undefined;
  /** If not empty, the request is refused with 422 and nothing is changed. */
  readonly faults: readonly FieldFault[];
}

type Clearing = SandboxModes['clearing'];

// Values are mostly not validated (documented). Assumption: their JSON types are.
const text = z.string().nullish();
// Assumption: a flag cannot be cleared, so null does not change it.
const flag = z.boolean().nullish();

const UserFieldsBody = z.object({
  ClientId: text,
  EnableTracking: flag,
  EnableLogging: flag,
  EnableRealTimeLocation: flag,
  Enabled: flag,
});

/**
 * A whole number (documented). The vendor's iOS framework sends it as text ("String count"), so digits are accepted. Assumption: the
 * empty text means none.
 */
const count = z.preprocess(
  (value) =>
    typeof value === 'string' && /^\d*$/.test(value) ? (value === '' ? null : Number(value)) : value,
  z.number().nullish(),
);

/**
 * The fields of a create: five fields and UserFields are documented, another five are seen in the vendor's Android and iOS frameworks. A
 * mode names those that it ignores, by default the last four. Status and unknown fields are always ignored.
 */
const CreateBody = z.object({
  FirstName: text,
  LastName: text,
  Nickname: text,
  Phone: text,
  Email: text,
  Gender: text,
  Birthday: text,
  MaritalStatus: text,
  ChildrenCount: count,
  Address: text,
  Country: text,
  District: text,
  City: text,
  ExternalImageUrl: text,
  UserFields: UserFieldsBody.nullish(),
});

/**
 * The status is written and read differently (the vendor's published reference): Deactivated reads as Inactive.
 * Assumption: Deleted, a soft state in an update, reads as Inactive, too; Inactive may also be written. Any other status is refused in
 * every mode, because reads only show these two.
 */
const UpdateBody = CreateBody.extend({
  Status: z
    .enum(['Active', 'Deactivated', 'Deleted', 'Inactive'])
    .transform((status) => (status === 'Active' ? 'Active' : 'Inactive'))
    .optional(),
});

export function readCreate(body: Body, modes: SandboxModes): UserChanges {
  const taken = withoutFields(body, modes.createIgnores);
  // A create has nothing to clear.
  const changes = read(CreateBody, taken, { ...modes, clearing: { null: 'clears', empty: 'kept' } });
  const { Email: email, Phone: phone } = changes.profile;
  if (!modes.contactRequired || changes.faults.length > 0 || email || phone) return changes;
  return { ...changes, faults: [{ Key: 'Email', Message: 'Email or Phone is required.' }] };
}

/** An update is a plain partial merge (documented): absent fields stay. A mode says what null and "" do to a field. */
export function readUpdate(body: Body, modes: SandboxModes): UserChanges {
  return read(UpdateBody, body, modes);
}

const CLIENT_ID_FORMS = {
  exact: (clientId: string) => clientId,
  trim: (clientId: string) => clientId.trim(),
  nfc: (clientId: string) => clientId.normalize('NFC'),
  lower: (clientId: string) => clientId.toLowerCase(),
};

/** The stored form of a ClientId, also used by filters. */
export function storedClientId(clientId: string, form: SandboxModes['clientIdForm']): string {
  return CLIENT_ID_FORMS[form](clientId);
}

/** The ClientId of a body that may be faulty otherwise. */
export function clientIdIn({ UserFields: fields }: Body): string | null {
  return isObject(fields) && typeof fields['ClientId'] === 'string' ? fields['ClientId'] : null;
}

/** A create has a part of an update's fields. */
type Read = z.output<typeof UpdateBody>;

function read(schema: z.ZodType<Read>, body: Body, modes: SandboxModes): UserChanges {
  const { data, error } = schema.safeParse(body);
  if (error !== undefined) return { profile: {}, fields: {}, status: undefined, faults: faultsOf(error) };
  const { UserFields: given, Status: status, ...values } = data;
  const { ClientId: clientId, ...flags } = given ?? {};
  const kept = clientId && storedClientId(clientId, modes.clientIdForm);
  const faults = modes.unknownValues === '422' ? undocumented(values) : [];
  const fields = {
    ...Object.fromEntries(Object.entries(flags).filter(([, value]) => typeof value === 'boolean')),
    ...applyClearing({ ClientId: kept }, modes.clearing, faults, 'UserFields.'),
  };
  const profile = applyClearing(values, modes.clearing, faults);
  return { profile, fields, status, faults };
}

/** The documented values, and for MaritalStatus those of the vendor's frameworks: married, widowed, divorced, single. */
const DOCUMENTED: Readonly<Record<string, (value: string) => boolean>> = {
  Gender: (value) => ['None', 'Male', 'Female', 'Other'].includes(value),
  MaritalStatus: (value) => ['1', '2', '3', '4'].includes(value),
  Birthday: (value) => timeOf(value) !== undefined,
};

function undocumented(values: Values): FieldFault[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const isFine = typeof value !== 'string' || value === '' || (DOCUMENTED[name]?.(value) ?? true);
    return isFine ? [] : [{ Key: name, Message: 'The value is not valid.' }];
  });
}

type Value = string | number | null;
type Values = Readonly<Record<string, Value | undefined>>;

/** The values to write: null and "" according to the modes, without unchanged fields. */
function applyClearing(
  values: Values,
  clearing: Clearing,
  faults: FieldFault[],
  prefix = '',
): Record<string, Value> {
  const written = Object.entries(values).flatMap(([name, value]): [string, Value][] => {
    if (value === undefined) return [];
    if (value !== null && value !== '') return [[name, value]];
    const effect = value === null ? clearing.null : clearing.empty;
    if (effect === '422') faults.push({ Key: `${prefix}${name}`, Message: 'The field must not be empty.' });
    if (effect === 'clears') return [[name, null]];
    return effect === 'kept' ? [[name, value]] : [];
  });
  return Object.fromEntries(written);
}
