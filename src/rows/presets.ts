/**
 * The columns that exports of other systems have, by their documented names; docs/reference/exports.md says what is assumed. All their other
 * columns are left out.
 */
import type { Field } from './row.ts';

export const PRESET_NAMES = ['auth0', 'firebase', 'keycloak', 'salesforce', 'hubspot'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export interface Preset {
  /** By the name without case, blanks, `_` and `-`. */
  readonly columns: ReadonlyMap<string, Field>;
  /** As the export writes what becomes the clientId. */
  readonly clientIdNames: readonly string[];
  /** The names of the columns of a CSV, where it has no header. */
  readonly headerless?: readonly string[];
  /** What keeps an object of JSON from being a user of this system. */
  readonly faultOf?: (user: object) => string | undefined;
}

/** https://auth0.com/docs/manage-users/user-accounts/user-profiles/user-profile-structure */
const AUTH0: Preset = {
  clientIdNames: ['user_id'],
  columns: new Map<string, Field>([
    ['userid', 'clientId'],
    ['email', 'email'],
    ['givenname', 'firstName'],
    ['familyname', 'lastName'],
    ['nickname', 'nickname'],
    ['phonenumber', 'phone'],
  ]),
};

/**
 * https://firebase.google.com/docs/cli/auth#file_format: the columns in their order, without a header; and what
 * `firebase auth:export` writes (https://github.com/firebase/firebase-tools, src/accountExporter.ts), where more follow.
 */
const FIREBASE: Preset = {
  clientIdNames: ['localId'],
  columns: new Map<string, Field>([
    ['localid', 'clientId'],
    ['email', 'email'],
    ['displayname', 'nickname'],
    ['phonenumber', 'phone'],
  ]),
  headerless: [
    'localId',
    'email',
    'emailVerified',
    'passwordHash',
    'salt',
    'displayName',
    'photoUrl',
    // Of each provider the id, the email, the name and the photo.
    ...Array.from({ length: 16 }, () => ''),
    'createdAt',
    'lastSignedInAt',
    'phoneNumber',
    'disabled',
    'customAttributes',
  ],
};

/** https://www.keycloak.org/docs-api/latest/rest-api/index.html#UserRepresentation */
const KEYCLOAK: Preset = {
  clientIdNames: ['id'],
  columns: new Map<string, Field>([
    ['id', 'clientId'],
    ['email', 'email'],
    ['firstname', 'firstName'],
    ['lastname', 'lastName'],
    // What the built-in scope `phone` takes for the claim phone_number, and the scope `profile` for nickname.
    ['attributes.phonenumber', 'phone'],
    ['attributes.nickname', 'nickname'],
  ]),
  faultOf(user) {
    if (!('username' in user)) return 'is no user of Keycloak: it has no username';
    return 'serviceAccountClientId' in user ? 'is a service account, and no person' : undefined;
  },
};

/**
 * https://developer.salesforce.com/docs/platform/field-reference/references/field-reference/salesforce-field-reference-contact.html:
 * the names of the API, as Data Loader and the data export write them, and the labels, as reports do.
 */
const SALESFORCE: Preset = {
  clientIdNames: ['Id', 'Contact ID'],
  columns: new Map<string, Field>([
    ['id', 'clientId'],
    ['contactid', 'clientId'],
    ['email', 'email'],
    ['firstname', 'firstName'],
    ['lastname', 'lastName'],
    ['phone', 'phone'],
  ]),
};

/** https://knowledge.hubspot.com/contacts/hubspots-default-contact-properties: the labels, and the internal names. */
const HUBSPOT: Preset = {
  clientIdNames: ['Record ID'],
  columns: new Map<string, Field>([
    ['recordid', 'clientId'],
    ['recordidcontact', 'clientId'],
    ['hsobjectid', 'clientId'],
    ['email', 'email'],
    ['firstname', 'firstName'],
    ['lastname', 'lastName'],
    ['phonenumber', 'phone'],
    ['phone', 'phone'],
  ]),
};

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  auth0: AUTH0,
  firebase: FIREBASE,
  keycloak: KEYCLOAK,
  salesforce: SALESFORCE,
  hubspot: HUBSPOT,
};
