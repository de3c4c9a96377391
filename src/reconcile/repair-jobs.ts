/**
 * The jobs that make Damoov match the list. They have the time of the list: later requests of producers win.
 */
import { type ListIndex, type ListedRow, type RowState, listedRows } from './list-index.ts';
import type { ComparedField, ListedUser } from './listed-user.ts';

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

type Profile = { [field in ComparedField]?: string };
type Changes = { [field in ComparedField]?: string | null };

/** A `create-user` for each missing user. */
export async function* creates(options: RepairOptions): AsyncGenerator<OfList & { profile: Profile }> {
  for await (const { user } of usersThatAre('missing', options)) {
    const profile = Object.fromEntries(Object.entries(user.wanted).filter(([, value]) => value !== ''));
    yield { ...ofList(user, options), profile };
  }
}

/** An `update-user` for each differing user, with the differing fields. */
export async function* updates(options: RepairOptions): AsyncGenerator<OfList & { changes: Changes }> {
  for await (const { user, row } of usersThatAre('differing', options)) {
    const changes = Object.fromEntries(
      options.index.fieldsOf(row).map((field) => [field, user.wanted[field] || null]),
    );
    yield { ...ofList(user, options), changes };
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
