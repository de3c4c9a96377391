/**
 * The jobs that make Damoov match the list. They have the time of the list: later requests of producers win.
 */
import { type Profile, type Settings, type Status, SETTINGS } from '../contract/fields.ts';
import type { ListedUser } from './listed-user.ts';
import type { UserList } from './user-list.ts';

export interface RepairOptions {
  /** After the comparison, with the state of each user. */
  readonly list: UserList;
  /** The configured name. */
  readonly instance: string;
  /** When the list was made, in epoch milliseconds. */
  readonly listedAt: number;
}

/** The data that every job has. */
interface OfList {
  clientId: string;
  instance: string;
  occurredAt: string;
  correlationId?: string;
}

interface SignUp {
  profile: Profile;
  settings?: Settings;
}

type Changes = { [name in keyof Profile]?: Profile[name] | null } & { settings?: Settings; status?: Status };

/** A `create-user` for each missing user. */
export function* creates(options: RepairOptions): Generator<OfList & SignUp> {
  for (const { user, state } of options.list.all()) {
    if (state !== 'missing') continue;
    const given = Object.entries(user.wanted).filter(([name, value]) => value !== '' && name !== 'status');
    const { settings, ...profile } = inSections(given);
    yield { ...ofList(user, options), profile, ...(settings && { settings }) };
  }
}

/** An `update-user` for each user with differing fields, and for each missing one that is to be deactivated. */
export function* updates(options: RepairOptions): Generator<OfList & { changes: Changes }> {
  for (const { user, toUpdate } of options.list.toUpdate) {
    const { wanted } = user;
    const changed = toUpdate.map((field): [string, unknown] => [
      field,
      wanted[field] === '' ? null : wanted[field],
    ]);
    yield { ...ofList(user, options), changes: inSections(changed) };
  }
}

/** The fields, with the settings in a section of their own. */
function inSections(fields: [string, unknown][]): Record<string, unknown> & { settings?: object } {
  const settings = fields.filter(([name]) => SETTING.has(name));
  const others = fields.filter(([name]) => !SETTING.has(name));
  return {
    ...Object.fromEntries(others),
    ...(settings.length > 0 && { settings: Object.fromEntries(settings) }),
  };
}
const SETTING: ReadonlySet<string> = new Set(SETTINGS);

function ofList(
  { clientId, correlationId, occurredAt }: ListedUser,
  { instance, listedAt }: RepairOptions,
): OfList {
  return {
    clientId,
    instance,
    occurredAt: occurredAt ?? new Date(listedAt).toISOString(),
    ...(correlationId !== undefined && { correlationId }),
  };
}
