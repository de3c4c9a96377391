/**
 * The jobs that make Damoov match the list. They have the time of the list: later requests of producers win.
 */
import { type ListIndex, listedRows } from './list-index.ts';
import { type Profile, type Settings, type Status, SETTINGS } from '../contract/fields.ts';
import type { ListedUser } from './listed-user.ts';

export interface RepairOptions {
  readonly list: () => AsyncIterable<ListedUser>;
  /** After the comparison, with the state of each user. */
  readonly index: ListIndex;
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
export async function* creates(options: RepairOptions): AsyncGenerator<OfList & SignUp> {
  const { list, index } = options;
  for await (const { user, row } of listedRows(list(), index)) {
    if (index.stateOf(row) !== 'missing') continue;
    const given = Object.entries(user.wanted).filter(([name, value]) => value !== '' && name !== 'status');
    const { settings, ...profile } = inSections(given);
    yield { ...ofList(user, options), profile, ...(settings && { settings }) };
  }
}

/** An `update-user` for each user with differing fields, and for each missing one that is to be deactivated. */
export async function* updates(options: RepairOptions): AsyncGenerator<OfList & { changes: Changes }> {
  const { list, index } = options;
  for await (const { user, row } of listedRows(list(), index)) {
    if (!index.isToUpdate(row)) continue;
    const { wanted } = user;
    const changed = index
      .fieldsOf(row)
      .map((field): [string, unknown] => [field, wanted[field] === '' ? null : wanted[field]]);
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
