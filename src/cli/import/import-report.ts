/**
 * The file that tells how the job of each row ended: a line each, in the order of their ends. It is its own mark: a run that
 * goes on reads which lines are there, and drops what a crash has left of the last one.
 */
import { MOST_OF_ROW } from '../../rows/row.ts';
import { type ReportFile, openReportFile } from '../terminal/report-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import { type LineSet, createLineSet } from './line-set.ts';

/** `unknown`: the job has ended, and Redis keeps no longer how. */
export const OUTCOMES = ['created', 'existed', 'superseded', 'failed', 'invalid', 'unknown'] as const;
export type RowOutcome = (typeof OUTCOMES)[number];

export interface RowEnd {
  line: number;
  clientId?: string | undefined;
  userId?: string | undefined;
  outcome: RowOutcome;
  /** Of a failed job; of a superseded one what it was superseded by. */
  code?: string | undefined;
}

export interface Report {
  /** The lines of the import that are told of. */
  readonly lines: LineSet;
  readonly counts: Readonly<Record<RowOutcome, number>>;
  /**
   * What follows is written for this round of an import.
   * @param round the same for no other import and no other round.
   * @throws UsageError where there are lines of another.
   */
  of(round: string): void;
  /** From here on something may be written: until then the file is as it was. */
  begin(): Promise<void>;
  add(ends: readonly RowEnd[]): Promise<void>;
  close(): Promise<void>;
}

const HEADING = 'line,clientId,userId,outcome,code,import';
/** In bytes; what is longer is none of ours. A row that was left out may have a clientId of any kind. */
const MOST_OF_LINE = 8 * MOST_OF_ROW;

export interface ReportOptions {
  /** No cell is to be a formula: an apostrophe goes before what would begin one. */
  isForSheet: boolean;
  /** The file that is imported, see {@link identityOf}. */
  list: string | undefined;
}

/** @throws UsageError where the file cannot be written, or is the list, or no report. */
export async function openReport(path: string, options: ReportOptions): Promise<Report> {
  const file = await openReportFile(path, options.list);
  try {
    return await reportOf(file, path, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function reportOf(file: ReportFile, path: string, { isForSheet }: ReportOptions): Promise<Report> {
  const lines = createLineSet();
  const counts = { created: 0, existed: 0, superseded: 0, failed: 0, invalid: 0, unknown: 0 };
  const note = (line: number, outcome: RowOutcome) => {
    if (lines.has(line)) return;
    lines.add(line);
    counts[outcome] += 1;
  };
  const rounds = new Set<string>();
  const kept = await read(file.bytes(), (line, outcome, round) => {
    note(line, outcome);
    rounds.add(round);
  });
  if (kept === undefined) {
    throw new UsageError(`--report: ${path} is there and is no report: name another file`);
  }
  let isBegun = false;
  let round = '';
  return {
    lines,
    counts,
    of(wanted) {
      if ([...rounds].some((found) => found !== wanted)) {
        throw new UsageError(
          `--report: ${path} is there already, of another import or of another round: name a new one`,
        );
      }
      round = wanted;
    },
    async begin() {
      if (isBegun) return;
      await file.truncate(kept);
      if (kept === 0) await file.append(`${HEADING}\n`);
      isBegun = true;
    },
    async add(ends) {
      const news = ends.filter(({ line }) => !lines.has(line));
      if (news.length === 0) return;
      await file.append(news.map((end) => textOf(end, round, isForSheet)).join(''));
      for (const { line, outcome } of news) note(line, outcome);
      rounds.add(round);
    },
    close: () => file.close(),
  };
}

/** Where the last whole line ends, in bytes; undefined where it is no report. */
async function read(
  bytes: AsyncIterable<Buffer>,
  note: (line: number, outcome: RowOutcome, round: string) => void,
): Promise<number | undefined> {
  const [LF, QUOTE] = [10, 34];
  let [kept, offset, isQuoted] = [0, 0, false];
  let begun: Buffer[] = [];
  for await (const piece of bytes) {
    let from = 0;
    for (const [index, byte] of piece.entries()) {
      if (byte === QUOTE) isQuoted = !isQuoted;
      if (byte !== LF || isQuoted) continue;
      const text = Buffer.concat([...begun, piece.subarray(from, index)]).toString();
      [begun, from] = [[], index + 1];
      if (kept === 0 && text !== HEADING) return undefined;
      if (kept > 0) {
        const { line, outcome, round = '' } = ENTRY.exec(text)?.groups ?? {};
        const known = OUTCOMES.find((known) => known === outcome);
        if (known === undefined) return undefined;
        note(Number(line), known, round);
      }
      kept = offset + from;
    }
    begun.push(piece.subarray(from));
    offset += piece.length;
    if (offset - kept > (kept === 0 ? HEADING.length : MOST_OF_LINE)) return undefined;
  }
  return kept === 0 && offset > 0 ? undefined : kept;
}

const ENTRY = /^(?<line>\d{1,9}),.*,[^,]*,(?<outcome>[a-z]+),[^,]*,(?<round>[^,]+)$/s;

function textOf(
  { line, clientId = '', userId = '', outcome, code = '' }: RowEnd,
  round: string,
  isForSheet: boolean,
): string {
  const cells = [String(line), clientId, userId, outcome, code, round];
  return `${cells.map((text) => cellOf(isForSheet ? unexecuted(text) : text)).join(',')}\n`;
}

function cellOf(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unexecuted(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
