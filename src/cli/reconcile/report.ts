/**
 * What `damoov-users reconcile` tells: of each difference the line, the ids and the names of fields, never a value. Counts
 * all and keeps only what is shown.
 */
import type { Difference } from '../../reconcile/differences.ts';
import type { LeftUsers } from '../../reconcile/unwanted-users.ts';
import { counted, numberText } from '../failed/report.ts';
import { onOneLine } from '../terminal/one-line.ts';
import { needsQuotes, quotedId } from '../terminal/quoted-id.ts';

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

export type Counts = Record<Difference['kind'], number> & {
  listed: number;
  /** Rows of the list that were not compared, since they are about other instances. */
  otherInstances: number;
  /** As the pages told last. */
  atDamoov: number;
  /** Of the orphaned those whom a row of the list may mean. */
  lookalikes: number;
};

export function noCounts(list: Pick<Counts, 'listed' | 'otherInstances'>): Counts {
  return { ...list, atDamoov: 0, missing: 0, orphaned: 0, lookalikes: 0, duplicated: 0, differing: 0 };
}

export function count(difference: Difference, counts: Counts): void {
  counts[difference.kind] += 1;
  if (difference.kind === 'orphaned' && difference.looksLikeLine !== undefined) counts.lookalikes += 1;
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
  return [...lines, compared, ...cautionsIn(counts)].join('\n');
}

/** What makes a difference doubtful. */
function cautionsIn({ otherInstances, lookalikes }: Counts): string[] {
  const others = counted(otherInstances, 'row is about another instance', 'rows are about other instances');
  const alike = counted(lookalikes, 'orphaned user looks', 'orphaned users look');
  return [
    otherInstances > 0 ? [`${others}: not compared (one that names none is about default)`] : [],
    lookalikes > 0 ? [`${alike} like a row of the list: ${LOOKALIKE}`] : [],
  ].flat();
}

const LOOKALIKE = 'the same clientId in another writing or for another instance, or the same userId';

/** What is left as it is, and how that can be changed. */
export function leftText({ orphaned, lookalikes, young, duplicated }: LeftUsers): string[] {
  return [
    lookalikes > 0
      ? [`${numberText(lookalikes)} orphaned left: like a row of the list (--delete-lookalikes)`]
      : [],
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
    case 'orphaned': {
      const { userId, clientId, looksLikeLine: line } = difference;
      return `${userId}  ${ofDamoov(clientId)}${line === undefined ? '' : `  looks like line ${line}`}`;
    }
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
