/**
 * The jobs that make Damoov match the list. They have the time of the list: later requests of producers win.
 */
import { type ListIndex, type ListedRow, type RowState, listedRows } from './list-index.ts';
import type { Profile } from '../contract/fields.ts';
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

type Changes = { [name in keyof Profile]?: Profile[name] | null };

/** A `create-user` for each missing user. */
export async function* creates(options: RepairOptions): AsyncGenerator<OfList & { profile: Profile }> {
  for await (const { user } of usersThatAre('missing', options)) {
    const given = Object.entries(user.wanted).filter(([, value]) => value !== '');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the list's own values, but for those that are empty
    yield { ...ofList(user, options), profile: Object.fromEntries(given) as Profile };
  }
}

/** An `update-user` for each differing user, with the differing fields. */
export async function* updates(options: RepairOptions): AsyncGenerator<OfList & { changes: Changes }> {
  for await (const { user, row } of usersThatAre('differing', options)) {
    const { wanted } = user;
    const changed = options.index
      .fieldsOf(row)
      .map((field) => [field, wanted[field] === '' ? null : wanted[field]]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the list's own values
    yield { ...ofList(user, options), changes: Object.fromEntries(changed) as Changes };
  }
}

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

async function* usersThatAre(state: RowState, { list, index }: RepairOptions): AsyncGenerator<ListedRow> {
  for await (const listed of listedRows(list(), index)) {
    if (index.stateOf(listed.row) === state) yield listed;
  }
}
