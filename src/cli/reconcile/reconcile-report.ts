/**
 * The file into which `damoov-users reconcile` writes every difference, a line of JSON each. It takes the place of an earlier report, and
 * of nothing else.
 */
import type { Difference } from '../../reconcile/differences.ts';
import { openReportFile } from '../terminal/report-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import { KINDS } from './report.ts';

export interface DifferenceReport {
  /** An earlier report stays as it was until the first line, or the end. */
  line(text: string): Promise<void>;
  end(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param list the file of the list, see {@link identityOf}.
 * @throws UsageError where the file cannot be written, or is none that was written here.
 */
export async function openReport(path: string, list: string | undefined): Promise<DifferenceReport> {
  const file = await openReportFile(path, list);
  let isBegun = false;
  const begin = async () => {
    if (!isBegun) await file.truncate(0);
    isBegun = true;
  };
  try {
    if (!(await isReport(file.bytes()))) {
      throw new UsageError(`--report: ${path} is there and is no report: name another file`);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    async line(text) {
      await begin();
      await file.append(`${text}\n`);
    },
    async end() {
      await begin();
      file.keep();
    },
    close: () => file.close(),
  };
}

/** How each line begins, as JSON.stringify writes a difference. */
const BEGINNINGS = KINDS.map((kind: Difference['kind']) => `{"kind":"${kind}",`);
const LONGEST = Math.max(...BEGINNINGS.map(({ length }) => length));

/** Whether each line is a difference, but for the last one, which a full disk may have cut off. */
async function isReport(bytes: AsyncIterable<Buffer>): Promise<boolean> {
  let [lines, begun] = [0, ''];
  for await (const piece of bytes) {
    for (const [index, part] of piece.toString('latin1').split('\n').entries()) {
      if (index > 0) {
        if (!isDifference(begun)) return false;
        [lines, begun] = [lines + 1, ''];
      }
      begun += part.slice(0, LONGEST - begun.length);
    }
  }
  if (lines === 0) return begun === '' || isDifference(begun);
  return BEGINNINGS.some((beginning) => beginning.startsWith(begun)) || isDifference(begun);
}

function isDifference(line: string): boolean {
  return BEGINNINGS.some((beginning) => line.startsWith(beginning));
}
