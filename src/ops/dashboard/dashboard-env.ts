/**
 * What a request to the dashboard knows once it is let in, and how it is answered.
 */
import type { Context } from 'hono';
import type { OpsEnv } from '../health.ts';
import type { Account } from './access.ts';
import type { Page } from './layout.ts';

export interface DashboardEnv extends OpsEnv {
  Variables: {
    account: Account;
    /** Of the peer: a browser, or the proxy before it. */
    address: string;
  };
}

/** Answers with a page in the common layout, or leads to another one. */
export type Answer = (
  context: Context<DashboardEnv>,
  pageOf: () => Promise<Page | { leadsTo: string }>,
) => Promise<Response>;
