/**
 * Whether deletions may be what somebody meant: most are those of a wrong list, a wrong column or another instance. Knows the
 * counts and the clientIds of a comparison, and asks nobody.
 */
import type { Difference } from '../../reconcile/differences.ts';
import type { ListIndex } from '../../reconcile/list-index.ts';
import { numberText } from '../failed-report.ts';
import { UsageError } from '../usage-error.ts';
import type { Counts } from './report-text.ts';

export interface DeletionGuard {
  take(difference: Difference): void;
  /** What should be known of the list, before anything else is told of it. */
  warning(): string | undefined;
  /** @throws UsageError where so many deletions are not to be added. */
  check(deletions: number, counts: Counts): void;
}

/** One of so many users at Damoov may go without a word. */
const SHARE = 10;

/**
 * Follows a comparison.
 * @param index the list. @param maxDeletions as many as somebody has allowed by number.
 */
export function createDeletionGuard(
  index: Pick<ListIndex, 'has'>,
  maxDeletions: number | undefined,
): DeletionGuard {
  let first: string | undefined;
  let count = 0;

  function warning(): string | undefined {
    if (first === undefined) return undefined;
    const told = `${numberText(count)} at Damoov would be in the list but for blanks around a clientId`;
    return `${told}, such as ${JSON.stringify(first)}`;
  }

  return {
    take(difference) {
      if (difference.kind !== 'orphaned' || difference.clientId === undefined) return;
      const { clientId } = difference;
      const bare = clientId.trim();
      if (bare === clientId || !index.has(bare)) return;
      first ??= clientId;
      count += 1;
    },
    warning,
    check(deletions, { listed, missing, atDamoov }) {
      if (deletions === 0) return;
      const blanks = warning();
      if (blanks !== undefined) throw new UsageError(`nothing was added: ${blanks}; mend them at Damoov`);
      if (maxDeletions !== undefined) {
        if (deletions <= maxDeletions) return;
        const told = `${numberText(deletions)} users would be deleted, and --max-deletions allows`;
        throw new UsageError(`nothing was added: ${told} ${numberText(maxDeletions)}`);
      }
      const isUnknown = missing === listed;
      if (!isUnknown && deletions * SHARE <= atDamoov) return;
      const why = isUnknown
        ? 'nobody in the list is known at Damoov'
        : `that is more than a tenth of the ${numberText(atDamoov)} at Damoov`;
      throw new UsageError(
        `nothing was added: ${numberText(deletions)} users would be deleted, and ${why}. Is it the right list, ` +
          `and the right instance? Where it is, allow it with --max-deletions ${deletions}`,
      );
    },
  };
}
