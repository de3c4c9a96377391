/**
 * Decides from the counts whether deletions are plausible: most mass deletions come from a wrong list, a wrong column or another instance.
 */
import { UsageError } from '../common/usage-error.ts';
import { counted, numberText } from '../terminal/text.ts';
import type { Counts } from './report.ts';

/** One in this many users at Damoov may be deleted without confirmation. */
const SHARE = 10;

/**
 * @param maxDeletions the number that the operator has allowed.
 * @throws UsageError if there would be too many deletions.
 */
export function checkDeletions(
  deletions: number,
  { listed, missing, atDamoov }: Counts,
  maxDeletions: number | undefined,
): void {
  if (deletions === 0) return;
  const what = `nothing was added: ${counted(deletions, 'user')} would be deleted`;
  if (maxDeletions !== undefined) {
    if (deletions <= maxDeletions) return;
    throw new UsageError(`${what}, and --max-deletions allows ${numberText(maxDeletions)}`);
  }
  const isUnknown = missing === listed;
  if (!isUnknown && deletions * SHARE <= atDamoov) return;
  const why = isUnknown
    ? 'no user of the list is known at Damoov'
    : `that is more than a tenth of the ${numberText(atDamoov)} at Damoov`;
  throw new UsageError(
    `${what}, and ${why}. Is it the right list, and the right instance? ` +
      `If so, allow it with --max-deletions ${deletions}`,
  );
}
