/**
 * The progress of each import, and the run that has it. Knows rows as line numbers.
 */
import type { RedisConnection } from '../../redis/connection.ts';
import { type Command, changesIn } from '../../redis/change.ts';

/** The progress of an import: the line of the last finished row, and how many rows were added and skipped. */
export interface Place {
  line: number;
  added: number;
  skipped: number;
}

/** Another run has taken over the import, or Redis has lost it. */
export interface Over {
  is: 'over';
  isLost: boolean;
}

/** The import's place differs from the caller's: an answer was lost, or Redis lost the latest change. */
export interface Moved {
  is: 'moved';
  place: Place;
}

export interface ImportState {
  /** Epoch milliseconds; unique for each round. */
  readonly begunAt: number;
  readonly place: Place;
  /** Epoch milliseconds. */
  readonly completeSince: number | undefined;
}

export interface BegunImport extends ImportState {
  /** How often it was begun. */
  readonly round: number;
  /** Epoch milliseconds. */
  readonly asOf: number;
}

export interface BeginOptions {
  /** Names this run: it takes the import over from an earlier run. */
  run: string;
  /** Whether a complete import starts again. */
  isAgain: boolean;
  /** In epoch milliseconds; for a continued import the original time, in case Redis lost it. */
  begunAt: number;
  /** When rows without a time of their own were true, in epoch milliseconds; fixed when an import begins. */
  asOf: number;
}

export interface Move {
  run: string;
  /** The import's place, as far as this run knows. */
  from: Place;
  /** Its new place. Default: unchanged. */
  to?: Place;
  /** The last line for which a job was added. */
  addedLine?: number | undefined;
  /** Whether the import is complete. */
  completes?: boolean;
}

export interface ImportStates {
  /** The state of an import, undefined if there is none; changes nothing. */
  look: (id: string) => Promise<ImportState | undefined>;
  /** @param id a short name that is computed from the content. */
  begin: (id: string, options: BeginOptions) => Promise<BegunImport>;
  /** Moves an import on, if this run has it and its place is `from`. */
  move: (id: string, move: Move) => Promise<{ is: 'here' } | Moved | Over>;
  /** Whether this run still has the import; without a run, whether the import is complete (no run has it then). */
  isHeld: (id: string, run: string | undefined) => Promise<{ is: 'here' } | Over>;
  /** When the row at this line was added, in epoch milliseconds to the second; undefined if unknown. */
  addedAt: (id: string, line: number) => Promise<number | undefined>;
}

/** How long an import is remembered after its last change. */
const KEEP_SECONDS = 90 * 24 * 3600;
/** When rows were added serves to tell how long one waits. More times, or older ones, say no more than that it is very long. */
const MOST_TIMES = 3600;
const KEEP_TIMES_SECONDS = 86_400;

export function createImportStates(connection: RedisConnection, prefix: string): ImportStates {
  const change = changesIn(connection);
  const keyOf = (id: string) => `${prefix}:import:${id}`;
  const addedKeyOf = (id: string) => `${keyOf(id)}:added`;

  return {
    async look(id) {
      const fields = ['place', 'begunAt', 'completeSince'];
      const [place, begunAt, completeSince] = await connection.hmget(keyOf(id), ...fields);
      return typeof place === 'string' ? stateOf(place, Number(begunAt), completeSince) : undefined;
    },
    begin: (id, { run, isAgain, begunAt, asOf }) =>
      change((seen) => {
        const key = keyOf(id);
        const fields = ['round', 'place', 'begunAt', 'asOf', 'completeSince'];
        const [round, place = '', begun, as, completeSince] = seen.list('HMGET', key, ...fields);
        const writes: Command[] = [['EXPIRE', key, KEEP_SECONDS]];
        if (round === undefined || (completeSince !== undefined && isAgain)) {
          const next = { round: Number(round ?? 0) + 1, place: '0 0 0', begunAt, asOf, run };
          writes.unshift(
            ['DEL', key],
            ['DEL', addedKeyOf(id)],
            ['HSET', key, ...Object.entries(next).flat()],
          );
          const state = stateOf(next.place, begunAt, undefined);
          return { answer: { round: next.round, asOf, ...state }, writes };
        }
        if (completeSince === undefined) writes.push(['HSET', key, 'run', run]);
        const state = stateOf(place, Number(begun), completeSince);
        return { answer: { round: Number(round), asOf: Number(as), ...state }, writes };
      }),
    move: (id, { run, from, to, addedLine, completes = false }) =>
      change<{ is: 'here' } | Moved | Over>((seen) => {
        const [key, addedKey] = [keyOf(id), addedKeyOf(id)];
        const [holder, place = ''] = seen.list('HMGET', key, 'run', 'place');
        if (holder !== run) return { answer: { is: 'over', isLost: holder === undefined } };
        if (place !== textOf(from)) return { answer: { is: 'moved', place: placeOf(place) } };
        const writes: Command[] = [['EXPIRE', key, KEEP_SECONDS]];
        if (addedLine !== undefined) {
          writes.push(['ZADD', addedKey, addedLine, Math.floor(seen.now / 1000)]);
          writes.push(['ZREMRANGEBYRANK', addedKey, 0, -1 - MOST_TIMES]);
          writes.push(['EXPIRE', addedKey, KEEP_TIMES_SECONDS]);
        }
        if (to !== undefined) writes.push(['HSET', key, 'place', textOf(to)]);
        if (completes) writes.push(['HSET', key, 'completeSince', Date.now()]);
        return { answer: { is: 'here' }, writes };
      }),
    async isHeld(id, run) {
      const [holder, completeSince] = await connection.hmget(keyOf(id), 'run', 'completeSince');
      const isHere = run === undefined ? typeof completeSince === 'string' : holder === run;
      return isHere ? { is: 'here' } : { is: 'over', isLost: typeof holder !== 'string' };
    },
    async addedAt(id, line) {
      const [second] = await connection.zrange(addedKeyOf(id), line, '+inf', 'BYSCORE', 'LIMIT', 0, 1);
      return second === undefined ? undefined : Number(second) * 1000;
    },
  };
}

function stateOf(place: string, begunAt: number, completeSince: unknown): ImportState {
  return {
    begunAt,
    place: placeOf(place),
    completeSince: typeof completeSince === 'string' ? Number(completeSince) : undefined,
  };
}

function textOf({ line, added, skipped }: Place): string {
  return `${line} ${added} ${skipped}`;
}

function placeOf(text: string): Place {
  const [line = 0, added = 0, skipped = 0] = text.split(' ').map(Number);
  return { line, added, skipped };
}
