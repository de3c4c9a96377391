/**
 * What an action of operators is: it reads its form, counts now what it would change, and carries out what was confirmed.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { Kinds, Moment, Tally } from '../../../bullmq/selection.ts';
import { durationMsOf } from '../../../contract/duration.ts';
import type { RedisConnection } from '../../../redis/connection.ts';
import { InputFault } from '../input-fault.ts';

/** On what actions work. */
export interface ActionParts {
  connection: RedisConnection;
  prefix: string;
  jobs: Queue;
  events: readonly Queue[];
  /** The names of the configured Damoov instances. */
  instances: ReadonlySet<string>;
}

/** What the operator is asked to confirm. */
export interface Plan {
  /** `Retry 12 failed jobs`. */
  question: string;
  /** How many are changed, counted now: 0 for none. */
  count: number;
  /** What will happen, in a sentence. */
  effect: string;
  /** What is counted, by kind. */
  kinds?: Kinds['by'];
  /** Of failed sets: so that the same is selected again. */
  moment?: Moment;
  /** Jobs that are chosen one by one. */
  jobIds?: string[];
}

/** What was confirmed. */
export interface Confirmed {
  count: number;
  moment?: Moment | undefined;
  /** Of the jobs that were chosen: some, from this place on. */
  chosen: (from: number, count: number) => Promise<string[]>;
}

/** Notes how far it is; once it answers false, nothing more begins. */
export type Note = (tally: Tally) => Promise<boolean>;

export interface End {
  /** Whether it came to its end. */
  isWhole: boolean;
  /** What was done, in a sentence. */
  text: string;
}

interface Definition<Filter extends object> {
  /** In its address. */
  name: string;
  /** The command that does the same; it is in the audit log. */
  command: string;
  button: string;
  /** What the operator chooses by: the options of the command. */
  filter: z.ZodType<Filter>;
  /** What the audit log says of it. Default: the filter as it was given. */
  audited?: (filter: Filter) => Record<string, unknown>;
  plan: (filter: Filter, parts: ActionParts) => Promise<Plan>;
  carryOut: (filter: Filter, confirmed: Confirmed, parts: ActionParts, note: Note) => Promise<End>;
}

export type Action = Pick<Definition<object>, 'name' | 'command' | 'button'> & {
  /** @throws InputFault if the filter is not valid. */
  read: (filter: unknown) => ReadAction;
};

/** An action with its filter. */
export interface ReadAction {
  /** For the audit log. */
  filter: Readonly<Record<string, unknown>>;
  plan: (parts: ActionParts) => Promise<Plan>;
  carryOut: (confirmed: Confirmed, parts: ActionParts, note: Note) => Promise<End>;
}

export function actionOf<Filter extends object>(definition: Definition<Filter>): Action {
  const { name, command, button, filter: schema, audited, plan, carryOut } = definition;
  return {
    name,
    command,
    button,
    read(given) {
      const { data: filter, error } = schema.safeParse(given);
      if (filter === undefined) throw new InputFault((error?.issues ?? []).map(faultText));
      return {
        filter: audited?.(filter) ?? z.record(z.string(), z.unknown()).parse(given),
        plan: (parts) => plan(filter, parts),
        carryOut: (confirmed, parts, note) => carryOut(filter, confirmed, parts, note),
      };
    },
  };
}

function faultText({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? `${message}.` : `${path.join('.')}: ${message}.`;
}

/** A duration such as `2h`, in milliseconds. */
export const Age = z.string().transform((text, context) => {
  const ms = durationMsOf(text);
  if (ms !== undefined) return ms;
  context.addIssue({
    code: 'custom',
    message: 'must be a number and a unit, such as 90s, 30m, 2h, 7d or 1w',
  });
  return z.NEVER;
});

/** An id of another system. */
export const Id = z.string().min(1).max(1024);
