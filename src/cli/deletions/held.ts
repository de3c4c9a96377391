/**
 * `damoov-users deletions release|refuse`: what becomes of the deletions that the brake holds.
 */
import type { Decision } from '../../store/circuits/deletion-limit.ts';
import { confirm, isTerminal } from '../terminal/confirm.ts';
import type { CommandContext } from '../shared/command-context.ts';
import { outputOf } from '../terminal/output.ts';
import { UsageError } from '../shared/usage-error.ts';
import { type UserOptions, withDeletions } from '../shared/with-deletions.ts';

export interface BrakeOptions extends UserOptions {
  /** Nobody is asked. */
  yes?: boolean;
  json?: boolean;
}

const WORDS = {
  release: { verb: 'Release', done: 'released' },
  refuse: { verb: 'Refuse', done: 'refused' },
} as const;

/** Counts first, and changes nothing that nobody has confirmed. */
export async function decideOver(
  decision: Decision,
  options: BrakeOptions,
  context: CommandContext,
): Promise<void> {
  const { verb, done } = WORDS[decision];
  const { clientId, userId, instance, json } = options;
  const out = outputOf(context.stdout);
  if (instance !== undefined && clientId === undefined && userId === undefined) {
    throw new UsageError('--instance: needs --client-id or --user-id');
  }
  await withDeletions(options, context, async ({ brake }) => {
    const isOfUser = clientId !== undefined || userId !== undefined;
    const ids = await brake.find(isOfUser ? { clientId, userId, instance } : undefined);
    const count = ids.length;
    const tell = (decided: number) =>
      out.line(
        json === true ? JSON.stringify({ [done]: decided }) : `${decided.toLocaleString('en-US')} ${done}`,
      );
    if (count === 0) {
      await brake.decide(decision, []);
      await (json === true ? tell(0) : out.line(`The brake holds no ${isOfUser ? 'such ' : ''}deletion.`));
      return;
    }
    const what = `${count.toLocaleString('en-US')} ${count === 1 ? 'deletion' : 'deletions'}`;
    if (options.yes !== true) {
      if (!isTerminal(context)) {
        throw new UsageError(
          `${what} held, nothing was ${done}: confirm with --yes, as there is no terminal to ask`,
        );
      }
      if (!(await confirm(`${verb} ${what}?`, context))) throw new Error(`nothing was ${done}`);
    }
    await tell(await brake.decide(decision, ids));
  });
}
