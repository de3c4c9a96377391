/**
 * What `damoov-users reconcile` tells: of each difference the line, the ids and the names of fields, never a value. Counts
 * all and keeps only what is shown.
 */
import type { Difference } from '../../reconcile/differences.ts';
import type { LeftUsers } from '../../reconcile/unwanted-users.ts';
import { numberText } from '../failed-report.ts';
import { onOneLine } from '../one-line.ts';
import { needsQuotes, quotedId } from '../quoted-id.ts';

export const KINDS = [
  'missing',
  'orphaned',
  'duplicated',
  'differing',
] as const satisfies Difference['kind'][];

const MEANING: Record<Difference['kind'], string> = {
  missing: 'in the list, not at Damoov',
  orphaned: 'at Damoov, not in the list',
  duplicated: 'in the list, several times at Damoov',
  differing: 'at Damoov with other values than in the list',
};

/** How many users there are of each kind, in the list, and at Damoov as the pages told last. */
export type Counts = Record<Difference['kind'], number> & { listed: number; atDamoov: number };

export function noCounts(listed: number): Counts {
  return { listed, atDamoov: 0, missing: 0, orphaned: 0, duplicated: 0, differing: 0 };
}

export function differencesIn(counts: Counts): number {
  return KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}

/** A line for each kind, and what was compared. */
export function countsText(counts: Counts): string {
  const width = Math.max(...KINDS.map((kind) => numberText(counts[kind]).length));
  const lines = KINDS.map(
    (kind) => `${kind.padEnd(10)}  ${numberText(counts[kind]).padStart(width)}  ${MEANING[kind]}`,
  );
  const compared = `${numberText(counts.listed)} in the list, ${numberText(counts.atDamoov)} at Damoov`;
  return [...lines, compared].join('\n');
}

/** What is left as it is, and how that can be changed. */
export function leftText({ orphaned, young, duplicated }: LeftUsers): string[] {
  return [
    young > 0 ? [`${numberText(young)} orphaned left: too young (--older-than)`] : [],
    orphaned > 0 ? [`${numberText(orphaned)} orphaned left (--delete-orphans)`] : [],
    duplicated > 0 ? [`${numberText(duplicated)} duplicated left (--delete-duplicates)`] : [],
  ].flat();
}

/** The first of each kind. */
export function examplesText(shown: readonly Difference[], counts: Counts): string {
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
    case 'orphaned':
      return `${difference.userId}  ${ofDamoov(difference.clientId)}`;
    case 'duplicated':
      return `line ${difference.line}  ${onOneLine(difference.clientId)}  ${difference.userIds.join(' ')}`;
    case 'differing':
      return `line ${difference.line}  ${onOneLine(difference.clientId)}  ${difference.fields.join(', ')}`;
  }
}

/** Damoov may have a clientId that looks like one of the list, and is another. */
function ofDamoov(clientId: string | undefined): string {
  if (clientId === undefined) return 'without a clientId';
  return needsQuotes(clientId) ? quotedId(clientId) : clientId;
}
