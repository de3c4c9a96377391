/**
 * How far imports have come, and which run has each of them. Knows rows as lines; knows no queue.
 */
import { z } from 'zod';
import type { RedisConnection } from '../../redis/connection.ts';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

/** How far an import has come: the line of the last row that is dealt with, and how many rows were added and skipped. */
export interface Place {
  line: number;
  added: number;
  skipped: number;
}

/** Another run has taken the import over, or Redis has lost it. */
export interface Over {
  is: 'over';
  isLost: boolean;
}

/** The import is somewhere else than it was taken for: a reply was lost, or Redis has lost what came last. */
export interface Moved {
  is: 'moved';
  place: Place;
}

export interface ImportState {
  /** Epoch milliseconds; another time in each round. */
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
  /** Names this run: an earlier one of the same import is over from here on. */
  run: string;
  /** Whether an import that is complete is begun again. */
  isAgain: boolean;
  /** In epoch milliseconds; of an import that goes on when it was begun, should Redis lose it meanwhile. */
  begunAt: number;
  /** When what the rows say was so, if they do not say it themselves, in epoch milliseconds; fixed when an import begins. */
  asOf: number;
}

export interface Move {
  run: string;
  /** Where the run takes the import to be. */
  from: Place;
  /** Where it stands from now on. Default: it stays. */
  to?: Place;
  /** The last line of which a job was added. */
  addedLine?: number | undefined;
  /** Whether nothing is left to be done. */
  completes?: boolean;
}

export interface ImportStates {
  /** An import as it stands, undefined if there is none; changes nothing. */
  look: (id: string) => Promise<ImportState | undefined>;
  /** @param id a short name that follows from what is imported. */
  begin: (id: string, options: BeginOptions) => Promise<BegunImport>;
  /** Moves an import on, if it is this run's and stands there. */
  move: (id: string, move: Move) => Promise<{ is: 'here' } | Moved | Over>;
  /** Whether this run still has the import; without a run, whether the import is complete: then it is no run's. */
  isHeld: (id: string, run: string | undefined) => Promise<{ is: 'here' } | Over>;
  /** When the row at this line was added, in epoch milliseconds to the second; undefined if that is not known (any more). */
  addedAt: (id: string, line: number) => Promise<number | undefined>;
}

/** An import is remembered for so long after it was last touched. */
const KEEP_SECONDS = 90 * 24 * 3600;

export function createImportStates(connection: RedisConnection, prefix: string): ImportStates {
  const script = jsonScriptsOf(connection, {
    'begin-import': readLua('../clock', 'begin-import'),
    'move-import': readLua('../clock', 'move-import'),
  });
  const keyOf = (id: string) => `${prefix}:import:${id}`;
  const addedKeyOf = (id: string) => `${keyOf(id)}:added`;
  const keysOf = (id: string) => [keyOf(id), addedKeyOf(id)];

  return {
    async look(id) {
      const fields = ['place', 'begunAt', 'completeSince'];
      const [place, begunAt, completeSince] = await connection.hmget(keyOf(id), ...fields);
      return typeof place === 'string' ? stateOf(place, Number(begunAt), completeSince) : undefined;
    },
    async begin(id, options) {
      const reply = await script('begin-import')(keysOf(id), { ...options, keepSeconds: KEEP_SECONDS });
      const [place, begunAt, round, asOf, completeSince] = Begun.parse(reply);
      return { round, asOf, ...stateOf(place, begunAt, completeSince) };
    },
    async move(id, { run, from, to, addedLine, completes = false }) {
      const reply = await script('move-import')(keysOf(id), {
        run,
        from: textOf(from),
        ...(to !== undefined && { to: textOf(to) }),
        ...(addedLine !== undefined && { addedLine }),
        ...(completes && { completeSince: Date.now() }),
        keepSeconds: KEEP_SECONDS,
      });
      const [is, what] = Reply.parse(reply);
      switch (is) {
        case 'here':
          return { is };
        case 'moved':
          return { is, place: placeOf(what) };
        case 'over':
          return { is, isLost: what === '' };
      }
    },
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

const Begun = z.tuple([
  z.string(),
  z.coerce.number<string>(),
  z.coerce.number<string>(),
  z.coerce.number<string>(),
  z.string().nullable(),
]);
const Reply = z.tuple([z.enum(['here', 'over', 'moved']), z.string()]);

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
