/**
 * The progress of each import, and the run that has it. Knows rows as line numbers.
 */
import { z } from 'zod';
import type { RedisConnection } from '../../redis/connection.ts';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

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
