/**
 * The file that tells how the job of each row ended: a line each, in the order of their ends. It is its own mark: a run that
 * goes on reads which lines are there, and drops what a crash has left of the last one.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { UsageError } from '../usage-error.ts';
import { type LineSet, createLineSet } from './line-set.ts';

export const OUTCOMES = ['created', 'existed', 'superseded', 'failed', 'invalid'] as const;
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
  add(ends: readonly RowEnd[]): Promise<void>;
  close(): Promise<void>;
}

const HEADING = 'line,clientId,userId,outcome,code';

/**
 * @param goesOn whether the import was begun before, so that lines of it may be there.
 * @param isForSheet no cell is to be a formula: an apostrophe goes before what would begin one.
 * @throws UsageError where the file cannot be written, or is another one.
 */
export async function openReport(path: string, goesOn: boolean, isForSheet = false): Promise<Report> {
  const handle = await open(path, 'a+', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--report: ${path} cannot be written (${error.code ?? error.name})`);
  });
  try {
    return await reportOf(handle, path, goesOn, isForSheet);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function reportOf(
  handle: FileHandle,
  path: string,
  goesOn: boolean,
  isForSheet: boolean,
): Promise<Report> {
  const lines = createLineSet();
  const counts = { created: 0, existed: 0, superseded: 0, failed: 0, invalid: 0 };
  const note = (line: number, outcome: RowOutcome) => {
    if (lines.has(line)) return;
    lines.add(line);
    counts[outcome] += 1;
  };
  const { size } = await handle.stat();
  const kept = size === 0 ? 0 : await read(handle, note);
  if (kept === undefined) throw new UsageError(`--report: ${path} is there and is no report`);
  if (lines.size > 0 && !goesOn) {
    throw new UsageError(`--report: ${path} is there already, of another import: name a new one`);
  }
  await handle.truncate(kept);
  if (kept === 0) await handle.appendFile(`${HEADING}\n`);
  return {
    lines,
    counts,
    async add(ends) {
      const news = ends.filter(({ line }) => !lines.has(line));
      if (news.length === 0) return;
      await handle
        .appendFile(news.map((end) => textOf(end, isForSheet)).join(''))
        .catch((error: NodeJS.ErrnoException) => {
          throw new Error(`--report: ${path} cannot be written (${error.code ?? error.name})`, {
            cause: error,
          });
        });
      for (const { line, outcome } of news) note(line, outcome);
    },
    close: () => handle.close(),
  };
}

/** Where the last whole line ends, in bytes; undefined where it is no report. */
async function read(
  handle: FileHandle,
  note: (line: number, outcome: RowOutcome) => void,
): Promise<number | undefined> {
  const [LF, QUOTE] = [10, 34];
  let [kept, offset, isQuoted] = [0, 0, false];
  let begun: Buffer[] = [];
  for await (const bytes of handle.createReadStream({
    start: 0,
    autoClose: false,
  }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (const [index, byte] of bytes.entries()) {
      if (byte === QUOTE) isQuoted = !isQuoted;
      if (byte !== LF || isQuoted) continue;
      const text = Buffer.concat([...begun, bytes.subarray(from, index)]).toString();
      [begun, from] = [[], index + 1];
      if (kept === 0 && text !== HEADING) return undefined;
      kept = offset + from;
      const { line, outcome } = ENTRY.exec(text)?.groups ?? {};
      const known = OUTCOMES.find((known) => known === outcome);
      if (known !== undefined) note(Number(line), known);
    }
    begun.push(bytes.subarray(from));
    offset += bytes.length;
    // Not even its heading is ours.
    if (kept === 0 && offset > HEADING.length) return undefined;
  }
  return kept === 0 && !HEADING.startsWith(Buffer.concat(begun).toString()) ? undefined : kept;
}

const ENTRY = /^(?<line>\d+),.*,(?<outcome>[a-z]+),[^,]*$/s;

function textOf(
  { line, clientId = '', userId = '', outcome, code = '' }: RowEnd,
  isForSheet: boolean,
): string {
  const cells = [String(line), clientId, userId, outcome, code];
  return `${cells.map((text) => cellOf(isForSheet ? unexecuted(text) : text)).join(',')}\n`;
}

function cellOf(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unexecuted(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
