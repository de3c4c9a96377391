/**
 * Reads the user data of a create or an update, and all its faults.
 */
import { z } from 'zod';
import type { FieldFault } from './envelope.ts';
import type { SandboxModes } from './modes.ts';
import { type Body, isObject } from './request.ts';
import type { Profile, UserFields, UserRecord } from './user-record.ts';

export interface UserChanges {
  readonly profile: Profile;
  readonly fields: Partial<UserFields>;
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

/** A create takes five profile fields and UserFields (documented). Others are ignored, unknown ones too. */
const CreateBody = z.object({
  FirstName: text,
  LastName: text,
  Nickname: text,
  Phone: text,
  Email: text,
  UserFields: UserFieldsBody.nullish(),
});

/**
 * The status is written and read differently (the vendor's published reference): Deactivated reads as Inactive. Assumption: Deleted, a
 * soft state in an update, reads as Inactive, too; Inactive may also be written; a status is text.
 */
const UpdateBody = CreateBody.extend({
  Gender: text,
  Birthday: text,
  MaritalStatus: text,
  Country: text,
  District: text,
  City: text,
  Address: text,
  ExternalImageUrl: text,
  ChildrenCount: z.number().nullish(),
  Status: z
    .enum(['Active', 'Deactivated', 'Deleted', 'Inactive'])
    .transform((status) => (status === 'Active' ? 'Active' : 'Inactive'))
    .optional(),
});

export function readCreate(body: Body, { clientIdForm }: SandboxModes): UserChanges {
  // A create has nothing to clear.
  return read(CreateBody, body, { null: 'clears', empty: 'kept' }, clientIdForm);
}

/** An update is a plain partial merge (documented): absent fields stay. A mode says what null and "" do to a text. */
export function readUpdate(body: Body, { clearing, clientIdForm }: SandboxModes): UserChanges {
  return read(UpdateBody, body, clearing, clientIdForm);
}

const CLIENT_ID_FORMS = {
  exact: (clientId: string) => clientId,
  trim: (clientId: string) => clientId.trim(),
  nfc: (clientId: string) => clientId.normalize('NFC'),
  lower: (clientId: string) => clientId.toLowerCase(),
};

/** The stored form of a ClientId, also used by filters. */
export function keptClientId(clientId: string, form: SandboxModes['clientIdForm']): string {
  return CLIENT_ID_FORMS[form](clientId);
}

/** The ClientId of a body that may be faulty otherwise. */
export function clientIdIn({ UserFields: fields }: Body): string | null {
  return isObject(fields) && typeof fields['ClientId'] === 'string' ? fields['ClientId'] : null;
}

/** A create has a part of an update's fields. */
type Read = z.output<typeof UpdateBody>;

function read(
  schema: z.ZodType<Read>,
  body: Body,
  clearing: Clearing,
  clientIdForm: SandboxModes['clientIdForm'],
): UserChanges {
  const { data, error } = schema.safeParse(body);
  if (error !== undefined) {
    const faults = error.issues.map(({ path, message }) => ({ Key: path.join('.'), Message: message }));
    return { profile: {}, fields: {}, status: undefined, faults };
  }
  const faults: FieldFault[] = [];
  const { UserFields: given, Status: status, ChildrenCount: children, ...texts } = data;
  const { ClientId: clientId, ...flags } = given ?? {};
  const kept = clientId && keptClientId(clientId, clientIdForm);
  const fields = {
    ...Object.fromEntries(Object.entries(flags).filter(([, value]) => typeof value === 'boolean')),
    ...cleared({ ClientId: kept }, clearing, faults, 'UserFields.'),
  };
  const profile = {
    ...cleared(texts, clearing, faults),
    ...(children !== undefined && { ChildrenCount: children }),
  };
  return { profile, fields, status, faults };
}

type Texts = Readonly<Record<string, string | null | undefined>>;

/** The texts to write: null and "" according to the modes, without unchanged fields. */
function cleared(
  texts: Texts,
  clearing: Clearing,
  faults: FieldFault[],
  prefix = '',
): Record<string, string | null> {
  const written = Object.entries(texts).flatMap(([name, value]): [string, string | null][] => {
    if (value === undefined) return [];
    if (value !== null && value !== '') return [[name, value]];
    const effect = value === null ? clearing.null : clearing.empty;
    if (effect === '422') faults.push({ Key: `${prefix}${name}`, Message: 'The field must not be empty.' });
    if (effect === 'clears') return [[name, null]];
    return effect === 'kept' ? [[name, value]] : [];
  });
  return Object.fromEntries(written);
}
