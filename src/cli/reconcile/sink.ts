/**
 * Where the differences of `damoov-users reconcile` go as they are found: to the standard output as JSON, into a file, into the
 * counts. Keeps no more of them than is shown at the end.
 */
import type { Writable } from 'node:stream';
import type { Difference } from '../../reconcile/differences.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import { openReport } from './reconcile-report.ts';
import { type Counts, count, countsText, examplesText } from './report.ts';

export interface SinkOptions {
  json?: boolean;
  report?: string;
  /** How many of each kind are shown; 0 for all. */
  show: number;
  /** The file of the list, see {@link identityOf}. */
  list: string | undefined;
}

export interface DifferenceSink {
  readonly counts: Counts;
  take(difference: Difference): Promise<void>;
  /** Tells the counts, and what came of them. @param more lines for people, and the same for machines. */
  end(more?: { text: string; json: object }): Promise<void>;
  close(): Promise<void>;
}

/** @param counts of what is compared. @throws UsageError where the report is refused. */
export async function openSink(
  { json = false, report, show, list }: SinkOptions,
  counts: Counts,
  stdout: Writable,
): Promise<DifferenceSink> {
  const out = outputOf(stdout);
  const file = report === undefined ? undefined : await openReport(report, list);
  const shown: Difference[] = [];
  return {
    counts,
    async take(difference) {
      count(difference, counts);
      const line = JSON.stringify(difference);
      await file?.line(line);
      if (json) await out.line(line);
      else if (show === 0 || counts[difference.kind] <= show) shown.push(difference);
    },
    async end(more) {
      await file?.end();
      if (json) return void (await out.line(JSON.stringify({ summary: { ...counts, ...more?.json } })));
      await tell(out, counts, shown, more?.text);
    },
    close: async () => file?.close(),
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
