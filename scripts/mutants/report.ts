/**
 * Reports a run: numbers by room, the mutants that no test noticed, and the command that runs each again.
 */
import { styleText } from 'node:util';
import { type Mutant, type MutantId, difference, idOf, keyOf } from './mutant.ts';
import { roomOf } from './nearest-tests.ts';
import type { TestedMutant } from './run-mutants.ts';
import type { AcceptedSurvivor } from './survivors.ts';

export interface Count {
  mutants: number;
  killed: number;
  timedOut: number;
  equivalent: number;
  left: number;
  survived: number;
  /** Killed or timed out, divided by all that are not equivalent to the original. 1 if there are none. */
  share: number;
}

export interface Survivor extends MutantId {
  line: number;
  before: string;
  after: string;
}

export interface Report {
  rooms: Record<string, Count>;
  all: Count;
  /** The survivors that are not accepted. */
  survivors: Survivor[];
  /** Accepted, but a test notices the mutant now. */
  killedThough: MutantId[];
  /** Accepted, but there is no such mutant any more. */
  gone: MutantId[];
}

export function reportOf(
  tested: readonly TestedMutant[],
  accepted: readonly AcceptedSurvivor[],
  { texts, known }: { texts: ReadonlyMap<string, string>; known: readonly Mutant[] },
): Report {
  const kinds = new Map(accepted.map((survivor) => [keyOf(survivor), survivor.kind]));
  const kindOf = (mutant: Mutant) => kinds.get(keyOf(mutant));
  const rooms = Map.groupBy(tested, ({ mutant }) => roomOf(mutant.file));
  const alive = tested.filter(({ end }) => end === 'survived').map(({ mutant }) => mutant);
  const dead = tested.filter(({ end }) => end !== 'survived').map(({ mutant }) => mutant);
  const keys = new Set(known.map(keyOf));
  return {
    rooms: Object.fromEntries([...rooms].map(([room, ofRoom]) => [room, countOf(ofRoom, kindOf)])),
    all: countOf(tested, kindOf),
    survivors: alive
      .filter((mutant) => kindOf(mutant) === undefined)
      .map((mutant) => ({
        ...idOf(mutant),
        line: mutant.line,
        ...difference(texts.get(mutant.file) ?? '', mutant),
      })),
    killedThough: dead.filter((mutant) => kindOf(mutant) !== undefined).map(idOf),
    gone: accepted.filter((id) => texts.has(id.file) && !keys.has(keyOf(id))).map(idOf),
  };
}

function countOf(
  tested: readonly TestedMutant[],
  kindOf: (mutant: Mutant) => AcceptedSurvivor['kind'] | undefined,
): Count {
  const ended = (end: TestedMutant['end']) => tested.filter((one) => one.end === end);
  const alive = ended('survived').map(({ mutant }) => kindOf(mutant));
  const [killed, timedOut] = [ended('killed').length, ended('timed out').length];
  const equivalent = alive.filter((kind) => kind === 'equivalent').length;
  const left = alive.filter((kind) => kind === 'left').length;
  const of = tested.length - equivalent;
  return {
    mutants: tested.length,
    killed,
    timedOut,
    equivalent,
    left,
    survived: alive.length - equivalent - left,
    share: of === 0 ? 1 : (killed + timedOut) / of,
  };
}

export function reportText({ rooms, all, survivors, killedThough, gone }: Report): string {
  const rows = [...Object.entries(rooms), ['all', all] as const].map(([room, count]) => [
    room || '(src)',
    ...[count.mutants, count.killed, count.timedOut, count.equivalent, count.left, count.survived].map(
      String,
    ),
    `${(Math.floor(count.share * 1000) / 10).toFixed(1)} %`,
  ]);
  const titles = ['room', 'mutants', 'killed', 'timed out', 'equivalent', 'left', 'survived', 'share'];
  return [
    table([titles, ...rows]),
    ...survivors.map(survivorText),
    ...killedThough.map((id) => `accepted, but killed now: ${idText(id)}`),
    ...gone.map((id) => `accepted, but no such mutant any more: ${idText(id)}`),
    '',
  ].join('\n');
}

function survivorText({ file, line, operator, before, after }: Survivor): string {
  return [
    '',
    `${file}:${line}  ${operator}`,
    styleText('red', `  - ${before}`),
    styleText('green', `  + ${after || '(nothing)'}`),
    `  npm run mutants -- ${file}:${line}`,
  ].join('\n');
}

function idText({ file, inFunction, operator, source, index }: MutantId): string {
  return `${file} ${inFunction || '(top)'}: ${operator} in \`${source}\`${index > 0 ? ` (${index + 1}.)` : ''}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const cell = (text: string, at: number) =>
    at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
