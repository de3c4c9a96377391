/**
 * The actions of operators: a first form asks for confirmation, a second one has it carried out, and a page shows what became of it.
 */
import { z } from 'zod';
import { type ActionRecords, createActionRecords } from '../../../store/actions/action-records.ts';
import type { AuditLog } from '../../../store/audit/audit-log.ts';
import type { Account } from '../access.ts';
import type { Page } from '../layout.ts';
import { UnreadError, createReadInTime } from '../read-in-time.ts';
import type { Action, ActionParts } from './action.ts';
import { actionPage } from './action-page.ts';
import { confirmationPage } from './confirmation.ts';
import { type FormTokens, createFormTokens, isFormId } from './form-token.ts';
import { type Buttons, buttonsWith, filterIn, objectIn, pathOfRecord, reasonIn } from './forms.ts';
import { expiredPage, forgedPage, unknownStartPage } from './refusal-pages.ts';
import { type Runner, createRunner } from './running-action.ts';

export interface OperatorActionsOptions {
  parts: ActionParts;
  audit: Pick<AuditLog, 'record'>;
  /** Whether Redis is connected. */
  isThere: () => boolean;
  /** Called for an internal error that no page shows. */
  onError: (error: Error) => void;
  /** Epoch milliseconds. */
  now?: () => number;
}

export type Form = ReadonlyMap<string, string>;

export interface OperatorActions {
  /** Undefined while Redis is away. */
  buttons(account: Account): Promise<Buttons | undefined>;
  /** Counts what would be changed, and asks. @throws InputFault, UnreadError */
  ask(action: Action, form: Form, account: Account): Promise<Page>;
  /** Has it carried out: leads to its page. @param address of the browser. @throws InputFault, UnreadError */
  confirm(action: Action, form: Form, account: Account, address: string): Promise<Page | { leadsTo: string }>;
  /** What became of it. @throws UnreadError */
  show(id: string, isAgain: boolean): Promise<Page>;
  close(): Promise<void>;
}

/** A page with buttons may stay open for that long; in milliseconds. */
const PAGE_LASTS_MS = 12 * 3_600_000;
/** The figures of a confirmation grow old. */
const CONFIRMATION_LASTS_MS = 10 * 60_000;
/** Longest wait for a count, and for a start; in milliseconds. */
export const COUNT_MS = 120_000;
const START_MS = 10_000;

/** What the token of a page with buttons is for. */
const ASKING = 'ask';

/** What is confirmed: the token covers all of it. */
const Order = z.object({
  filter: z.record(z.string(), z.unknown()),
  question: z.string(),
  count: z.int(),
  moment: z.object({ now: z.number(), newest: z.record(z.string(), z.number()) }).optional(),
});

export function createOperatorActions(options: OperatorActionsOptions): OperatorActions {
  const { parts, isThere, now = Date.now } = options;
  const records = createActionRecords(parts.jobs, parts.prefix);
  const runner = createRunner({ ...options, records });
  const tokens = createFormTokens({ key: records.formKey, now });
  const read = createReadInTime(isThere);
  const count = createReadInTime(isThere, COUNT_MS);

  return {
    async buttons(account) {
      try {
        return buttonsWith((await read(() => tokens.issue(account, ASKING, PAGE_LASTS_MS))).text);
      } catch (error) {
        if (error instanceof UnreadError) return undefined;
        throw error;
      }
    },
    async ask(action, form, account) {
      const token = form.get('token') ?? '';
      const check = await read(() => tokens.check(token, account, ASKING));
      if (check.is === 'forged') return forgedPage();
      if (check.is === 'expired') return expiredPage();
      return count(() => confirmation({ parts, records, tokens }, action, form, account));
    },
    confirm: (action, form, account, address) =>
      begin({ records, tokens, runner, isThere }, action, form, { account, address }),
    async show(id, isAgain) {
      const record = isFormId(id) ? await read(() => records.read(id)) : undefined;
      return actionPage(id, record, isAgain);
    },
    close: () => runner.close(),
  };
}

async function confirmation(
  { parts, records, tokens }: { parts: ActionParts; records: ActionRecords; tokens: FormTokens },
  action: Action,
  form: Form,
  account: Account,
): Promise<Page> {
  const filter = filterIn(form);
  const read = action.read(filter);
  const plan = await read.plan(parts);
  if (plan.count === 0) return confirmationPage({ action, read, plan });
  const { question, count, moment, jobIds = [] } = plan;
  const order = JSON.stringify({ filter, question, count, moment });
  const { id, text: token } = await tokens.issue(account, contentOf(action, order), CONFIRMATION_LASTS_MS);
  await records.keepChosen(id, jobIds);
  return confirmationPage({ action, read, plan, form: { order, token } });
}

async function begin(
  parts: { records: ActionRecords; tokens: FormTokens; runner: Runner; isThere: () => boolean },
  action: Action,
  form: Form,
  by: { account: Account; address: string },
): Promise<Page | { leadsTo: string }> {
  const { records, tokens, runner, isThere } = parts;
  const read = createReadInTime(isThere, START_MS);
  const [token = '', text = ''] = [form.get('token'), form.get('order')];
  const check = await read(() => tokens.check(token, by.account, contentOf(action, text)));
  if (check.is === 'forged') return forgedPage();
  const { id } = check;
  if (check.is === 'expired') {
    const wasBegun = (await read(() => records.read(id))) !== undefined;
    return wasBegun ? { leadsTo: pathOfRecord(id, { again: '1' }) } : expiredPage();
  }
  const { filter, question, ...confirmed } = Order.parse(objectIn(text));
  const reason = reasonIn(form);
  const order = { id, action, read: action.read(filter), question, confirmed, reason, ...by };
  let isWanted = true;
  try {
    const isFirst = await read(() => runner.start(order, () => isWanted));
    return { leadsTo: pathOfRecord(id, isFirst ? {} : { again: '1' }) };
  } catch (error) {
    isWanted = false;
    if (error instanceof UnreadError) return unknownStartPage(id);
    throw error;
  }
}

function contentOf({ name }: Action, order: string): string {
  return `${name} ${order}`;
}
