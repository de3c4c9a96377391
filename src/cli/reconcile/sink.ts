/**
 * Where the differences of `damoov-users reconcile` go as they are found: to the standard output as JSON, into a file, into the
 * counts. Keeps no more of them than is shown at the end.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { Difference } from '../../reconcile/differences.ts';
import { type Output, outputOf } from '../output.ts';
import { type Counts, countsText, examplesText, noCounts } from './report-text.ts';
import { UsageError } from '../usage-error.ts';

export interface SinkOptions {
  json?: boolean;
  report?: string;
  /** How many of each kind are shown; 0 for all. */
  show: number;
}

export interface DifferenceSink {
  readonly counts: Counts;
  take(difference: Difference): Promise<void>;
  /** Tells the counts, and what came of them. @param more lines for people, and the same for machines. */
  end(more?: { text: string; json: object }): Promise<void>;
  close(): Promise<void>;
}

/** @throws UsageError where the report cannot be written. */
export async function openSink(
  { json = false, report, show }: SinkOptions,
  listed: number,
  stdout: Writable,
): Promise<DifferenceSink> {
  const out = outputOf(stdout);
  const file = report === undefined ? undefined : await openReport(report);
  const counts = noCounts(listed);
  const shown: Difference[] = [];
  return {
    counts,
    async take(difference) {
      counts[difference.kind] += 1;
      const line = JSON.stringify(difference);
      await file?.line(line);
      if (json) await out.line(line);
      else if (show === 0 || counts[difference.kind] <= show) shown.push(difference);
    },
    async end(more) {
      if (json) return void (await out.line(JSON.stringify({ summary: { ...counts, ...more?.json } })));
      await tell(out, counts, shown, more?.text);
    },
    close: async () => file?.close(),
  };
}

/** Each error in words of its own: one with a code would be taken for a fault of the connection. */
async function openReport(path: string) {
  const told = (error: unknown) =>
    `--report: ${path} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`;
  const file: FileHandle = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw new UsageError(told(error));
  });
  return {
    line: (text: string) =>
      file.appendFile(`${text}\n`).catch((error: unknown) => {
        throw new Error(told(error));
      }),
    close: () => file.close(),
  };
}

async function tell(
  out: Output,
  counts: Counts,
  shown: Difference[],
  more: string | undefined,
): Promise<void> {
  const examples = examplesText(shown, counts);
  const parts = [countsText(counts), examples, more ?? ''].filter((part) => part !== '');
  await out.line(parts.join('\n\n'));
}
