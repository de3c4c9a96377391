/**
 * `damoov-users deletions release|refuse`: approves or refuses the deletions that the deletion limit holds.
 */
import type { Approval } from '../../store/circuits/deletion-limit.ts';
import { filterOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { UsageError } from '../common/usage-error.ts';
import { type UserOptions, withDeletions } from '../common/with-deletions.ts';
import { requireYes } from '../terminal/confirm.ts';
import { outputOf } from '../terminal/output.ts';
import { counted, numberText } from '../terminal/text.ts';

export interface DeletionLimitOptions extends UserOptions {
  /** Without confirmation. */
  yes?: boolean;
  reason?: string;
  json?: boolean;
}

const WORDS = {
  release: { verb: 'Release', done: 'released' },
  refuse: { verb: 'Refuse', done: 'refused' },
} as const;

/** Counts first, and changes nothing without confirmation. */
export function decideOver(decision: Approval) {
  const { verb, done } = WORDS[decision];
  return async (options: DeletionLimitOptions, context: CommandContext): Promise<void> => {
    const { clientId, userId, instance, json = false, yes = false } = options;
    const isOfUser = clientId !== undefined || userId !== undefined;
    if (instance !== undefined && !isOfUser) {
      throw new UsageError('--instance: needs --client-id or --user-id');
    }
    await withDeletions(options, context, async ({ deletionLimit, audit }) => {
      const ids = await deletionLimit.find(isOfUser ? { clientId, userId, instance } : undefined);
      if (ids.length > 0 && !yes) {
        await requireYes(`${verb} ${counted(ids.length, 'deletion')}?`, `nothing was ${done}`, context);
      }
      if (ids.length > 0) {
        const { reason } = options;
        await audit({ what: `deletions ${decision}`, filter: filterOf(options), count: ids.length, reason });
      }
      const decided = await deletionLimit.decide(decision, ids);
      const nothing = `The deletion limit holds no ${isOfUser ? 'such ' : ''}deletion.`;
      const text = ids.length === 0 ? nothing : `${numberText(decided)} ${done}`;
      await outputOf(context.stdout).line(json ? JSON.stringify({ [done]: decided }) : text);
    });
  };
}
