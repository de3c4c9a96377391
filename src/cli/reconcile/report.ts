/**
 * Formats the output of `damoov-users reconcile`: for each difference the line, ids and field names, never a value. Counts all
 * differences and keeps only those it shows.
 */
import type { Difference } from '../../reconcile/differences.ts';
import type { LeftUsers } from '../../reconcile/unwanted-users.ts';
import type { Output } from '../terminal/output.ts';
import { needsQuotes, quotedId } from '../terminal/quoted-id.ts';
import { aligned, counted, numberText, onOneLine } from '../terminal/text.ts';

const MEANING: Record<Difference['kind'], string> = {
  missing: 'in the list, not at Damoov',
  orphaned: 'at Damoov, not in the list',
  duplicated: 'in the list, several times at Damoov',
  differing: 'at Damoov with other values than in the list',
  unknown: 'at Damoov, which does not show all listed values',
};
const KINDS = [
  'missing',
  'orphaned',
  'duplicated',
  'differing',
  'unknown',
] as const satisfies Difference['kind'][];

export type Counts = Record<Difference['kind'], number> & {
  listed: number;
  /** Rows of the list for other instances, which are not compared. */
  otherInstances: number;
  /** As in the last page. */
  atDamoov: number;
  /** Orphaned users that a row of the list may mean. */
  lookalikes: number;
};

export interface ReportOptions {
  isJson: boolean;
  /** How many of each kind to show; 0 for all. */
  show: number;
}

export interface Report {
  readonly counts: Counts;
  take(difference: Difference): Promise<void>;
  /** Shows the counts and the result. @param more lines for people, and the same for machines. */
  end(more?: { text: string; json: object }): Promise<void>;
}

export function createReport(
  list: Pick<Counts, 'listed' | 'otherInstances'>,
  { isJson, show }: ReportOptions,
  out: Output,
): Report {
  const counts: Counts = {
    ...list,
    atDamoov: 0,
    missing: 0,
    orphaned: 0,
    lookalikes: 0,
    duplicated: 0,
    differing: 0,
    unknown: 0,
  };
  const shown: Difference[] = [];
  return {
    counts,
    async take(difference) {
      counts[difference.kind] += 1;
      if (difference.kind === 'orphaned' && difference.looksLikeLine !== undefined) counts.lookalikes += 1;
      if (isJson) await out.line(JSON.stringify(difference));
      else if (show === 0 || counts[difference.kind] <= show) shown.push(difference);
    },
    async end(more) {
      const parts = [countsText(counts), examplesText(shown, counts), more?.text ?? ''];
      const text = parts.filter((part) => part !== '').join('\n\n');
      await out.line(isJson ? JSON.stringify({ summary: { ...counts, ...more?.json } }) : text);
    },
  };
}

export function differencesIn(counts: Counts): number {
  return KINDS.reduce((sum, kind) => sum + (kind === 'unknown' ? 0 : counts[kind]), 0);
}

/** A line for each kind, what was compared, and possible mistakes. */
export function countsText(counts: Counts): string {
  const { listed, atDamoov, otherInstances, lookalikes } = counts;
  const shown = KINDS.filter((kind) => kind !== 'unknown' || counts.unknown > 0);
  const others = counted(otherInstances, 'row belongs to another instance', 'rows belong to other instances');
  const alike = counted(lookalikes, 'orphaned user looks', 'orphaned users look');
  return [
    ...aligned(shown.map((kind) => [kind, numberText(counts[kind]), MEANING[kind]])),
    `${numberText(listed)} in the list, ${numberText(atDamoov)} at Damoov`,
    otherInstances > 0 ? [`${others}: not compared (a row without an instance belongs to default)`] : [],
    lookalikes > 0 ? [`${alike} like a row of the list: ${LOOKALIKE}`] : [],
  ]
    .flat()
    .join('\n');
}

const LOOKALIKE = 'the same clientId in another spelling or instance, or the same userId';

export function leftText({ orphaned, lookalikes, young, duplicated }: LeftUsers): string[] {
  return [
    lookalikes > 0 ? [`${numberText(lookalikes)} orphaned left: like a row of the list`] : [],
    young > 0 ? [`${numberText(young)} orphaned left: too young (--older-than)`] : [],
    orphaned > 0 ? [`${numberText(orphaned)} orphaned left (--delete-orphans)`] : [],
    duplicated > 0 ? [`${numberText(duplicated)} duplicated left: delete all but one by its UserId`] : [],
  ].flat();
}

function examplesText(shown: readonly Difference[], counts: Counts): string {
  const blocks = KINDS.flatMap((kind) => {
    const lines = shown
      .filter((difference) => difference.kind === kind)
      .map((difference) => `  ${differenceText(difference)}`);
    const more = counts[kind] - lines.length;
    if (more > 0) lines.push(`  … ${numberText(more)} more (--show)`);
    return counts[kind] === 0 ? [] : [[kind, ...lines].join('\n')];
  });
  return blocks.join('\n\n');
}

function differenceText(difference: Difference): string {
  switch (difference.kind) {
    case 'missing':
      return `line ${difference.line}  ${onOneLine(difference.clientId)}`;
    case 'orphaned': {
      const { userId, clientId, looksLikeLine: line } = difference;
      return `${userId}  ${ofDamoov(clientId)}${line === undefined ? '' : `  looks like line ${line}`}`;
    }
    case 'duplicated':
      return `line ${difference.line}  ${onOneLine(difference.clientId)}  ${difference.userIds.join(' ')}`;
    case 'differing':
    case 'unknown':
      return `line ${difference.line}  ${onOneLine(difference.clientId)}  ${difference.fields.join(', ')}`;
  }
}

/** Damoov may have a different clientId that looks like one of the list. */
function ofDamoov(clientId: string | undefined): string {
  if (clientId === undefined) return 'without a clientId';
  return needsQuotes(clientId) ? quotedId(clientId) : clientId;
}
