/**
 * The file of `import --report`: the outcome of each row, one line each, in the order in which they ended. The file itself shows the
 * progress: a continued run reads the lines it has, and drops a last line that a crash cut off.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { readLines } from '../../rows/lines.ts';
import { UsageError } from '../common/usage-error.ts';
import { FileError, reasonOf } from '../terminal/file-error.ts';

/** `unknown`: the job has ended, but Redis no longer has its outcome. */
export const OUTCOMES = ['created', 'existed', 'superseded', 'failed', 'invalid', 'unknown'] as const;
export type RowOutcome = (typeof OUTCOMES)[number];

export interface RowEnd {
  line: number;
  clientId?: string | undefined;
  userId?: string | undefined;
  outcome: RowOutcome;
  /** The failure code; of a superseded job, what superseded it. */
  code?: string | undefined;
}

export interface ReportFile {
  /** The lines of the list that are in the report. */
  readonly lines: ReadonlySet<number>;
  readonly counts: Readonly<Record<RowOutcome, number>>;
  add(ends: readonly RowEnd[]): Promise<void>;
  close(): Promise<void>;
}

const HEADING = 'line,clientId,userId,outcome,code,import';
const ENTRY = /^(?<line>\d{1,9}),.*,[^,]*,(?<outcome>[a-z]+),[^,]*,(?<round>[^,]+)$/s;

/**
 * Opens or creates the report of one round of an import, readable only by its owner.
 * @param round unique for each import and round.
 * @throws UsageError if the file cannot be written or is something else: it stays unchanged.
 */
export async function openReportFile(path: string, round: string): Promise<ReportFile> {
  const refused = (why: string) => new UsageError(`--report: ${path} ${why}`);
  const handle = await open(path, 'a+', 0o600).catch((error: unknown) => {
    throw refused(`cannot be written (${reasonOf(error)})`);
  });
  const unwritable = (error: unknown) => {
    throw new FileError(`--report: ${path} cannot be written`, error);
  };
  const lines = new Set<number>();
  const counts = { created: 0, existed: 0, superseded: 0, failed: 0, invalid: 0, unknown: 0 };
  const note = ({ line, outcome }: Pick<RowEnd, 'line' | 'outcome'>) => {
    if (!lines.has(line)) counts[outcome] += 1;
    lines.add(line);
  };
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refused('is not a file');
    let whole = 0;
    for await (const text of readWholeLines(handle)) {
      const { line, outcome, round: found } = ENTRY.exec(text)?.groups ?? {};
      const known = OUTCOMES.find((one) => one === outcome);
      if (whole === 0 ? text !== HEADING : known === undefined) {
        throw refused('exists and is not a report: name another file');
      }
      if (known !== undefined && found !== round) {
        throw refused('already exists for another import or round: name a new one');
      }
      if (known !== undefined) note({ line: Number(line), outcome: known });
      whole += Buffer.byteLength(text) + 1;
    }
    if (whole === 0 && stat.size > 0) throw refused('exists and is not a report: name another file');
    if (whole < stat.size) await handle.truncate(whole).catch(unwritable);
    if (whole === 0) await handle.appendFile(`${HEADING}\n`).catch(unwritable);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    lines,
    counts,
    async add(ends) {
      const news = ends.filter(({ line }) => !lines.has(line));
      if (news.length === 0) return;
      await handle.appendFile(news.map((end) => textOf(end, round)).join('')).catch(unwritable);
      for (const end of news) note(end);
    },
    close: () => handle.close().catch(unwritable),
  };
}

/** The lines that end with a line feed. */
async function* readWholeLines(handle: FileHandle): AsyncGenerator<string> {
  let before: string | undefined;
  for await (const { text } of readLines(handle.createReadStream({ start: 0, autoClose: false }))) {
    if (before !== undefined) yield before;
    before = text;
  }
}

function textOf({ line, clientId = '', userId = '', outcome, code = '' }: RowEnd, round: string): string {
  const id = /[",\r]/.test(clientId) ? `"${clientId.replaceAll('"', '""')}"` : clientId;
  return `${[line, id, userId, outcome, code, round].join(',')}\n`;
}
