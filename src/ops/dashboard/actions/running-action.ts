/**
 * Carries out what an operator confirmed: once, recorded before it is done, a page of jobs at a time, and for all to see how far it is.
 */
import { RefusedChangeError } from '../../../bullmq/selection.ts';
import { isRedisFault } from '../../../redis/refusal.ts';
import { every } from '../../../redis/every.ts';
import { type ActionRecords, SIGN_MS } from '../../../store/actions/action-records.ts';
import type { AuditLog } from '../../../store/audit/audit-log.ts';
import { withTimeout } from '../../with-timeout.ts';
import type { Account } from '../access.ts';
import type { Action, ActionParts, Confirmed, Note, ReadAction } from './action.ts';

export interface Order {
  /** Of the form. */
  id: string;
  action: Action;
  read: ReadAction;
  question: string;
  confirmed: Omit<Confirmed, 'chosen'>;
  reason: string | undefined;
  account: Account;
  /** Of the browser. */
  address: string;
}

export interface Runner {
  /**
   * Begins it, and waits a little for its end.
   * @param isWanted false once no caller waits for the answer: then nothing begins any more.
   * @returns false if it was begun before.
   */
  start(order: Order, isWanted: () => boolean): Promise<boolean>;
  /** Stops what is under way after its page. */
  close(): Promise<void>;
}

export interface RunnerOptions {
  parts: ActionParts;
  records: ActionRecords;
  audit: Pick<AuditLog, 'record'>;
  /** Called for an internal error that no page shows. */
  onError: (error: Error) => void;
}

/** Most actions end within this time; in milliseconds. */
const QUICK_MS = 1000;
/** A page of jobs that is under way when the worker stops; in milliseconds. */
const CLOSE_MS = 5000;

const UNRECORDED = 'The audit log cannot be written.';
const LATE = 'Redis answered too late.';

export function createRunner(options: RunnerOptions): Runner {
  const { records } = options;
  const running = new Set<Promise<void>>();
  let isClosing = false;
  return {
    async start(order, isWanted) {
      const { id, action, account, question, confirmed } = order;
      const facts = { command: action.command, who: account.name, question, total: confirmed.count };
      if (!(await records.begin(id, facts))) return false;
      const refusal = await record(options, order, () => isWanted() && !isClosing);
      if (refusal !== undefined) {
        await records.end(id, { state: 'refused', text: refusal });
        return true;
      }
      const run = carryOut(options, order, () => isClosing).finally(() => running.delete(run));
      running.add(run);
      await withTimeout(QUICK_MS, run);
      return true;
    },
    async close() {
      isClosing = true;
      await withTimeout(CLOSE_MS, Promise.all(running));
    },
  };
}

/** Writes it into the audit log. Answers why it must not begin. */
async function record(
  { audit }: RunnerOptions,
  { id, action, read: { filter }, confirmed: { count }, reason, account, address }: Order,
  isWanted: () => boolean,
): Promise<string | undefined> {
  if (!isWanted()) return LATE;
  try {
    const by = { who: account.name, from: 'page', address, action: id } as const;
    await audit.record({ what: action.command, filter, count, reason }, by);
  } catch {
    return UNRECORDED;
  }
  return isWanted() ? undefined : LATE;
}

async function carryOut(
  { parts, records, onError }: RunnerOptions,
  { id, read, confirmed }: Order,
  isClosing: () => boolean,
): Promise<void> {
  let isOurs = true;
  let last = { done: 0, inDoubt: confirmed.count };
  const note: Note = async ({ done, inDoubt }) => {
    isOurs &&= await records.note(id, { done, inDoubt });
    const mayGoOn = isOurs && !isClosing();
    // A page that does not begin is not in doubt.
    if (mayGoOn || inDoubt === 0) last = { done, inDoubt };
    return mayGoOn;
  };
  const stopSigns = every(async () => {
    isOurs &&= await records.note(id);
  }, SIGN_MS);
  try {
    isOurs = await records.note(id, { state: 'running', ...last });
    if (!isOurs) return await records.end(id, { state: 'refused', text: LATE });
    const chosen = (from: number, count: number) => records.chosen(id, from, count);
    const { isWhole, text } = await read.carryOut({ ...confirmed, chosen }, parts, note);
    const state = isWhole ? 'done' : 'stopped';
    await records.end(id, { state, text, done: last.done, inDoubt: 0 });
  } catch (error) {
    const isRefused = error instanceof RefusedChangeError;
    const end = isRefused
      ? ({ state: 'refused', text: error.message } as const)
      : ({ state: 'failed', ...last } as const);
    if (!isRefused && !isRedisFault(error))
      onError(error instanceof Error ? error : new Error('an action failed'));
    await records.end(id, end).catch(() => {});
  } finally {
    stopSigns();
  }
}
