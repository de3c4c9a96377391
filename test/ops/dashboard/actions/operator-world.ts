/**
 * A world with an operator of the dashboard, who sends the forms that a browser would.
 */
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { Action } from '../../../../src/ops/dashboard/actions/action.ts';
import { ACTIONS } from '../../../../src/ops/dashboard/actions/actions.ts';
import { runCommand } from '../../../support/run-command.ts';
import { dumpRedis } from '../../../support/traces.ts';
import type { WorldOptions } from '../../../support/world.ts';
import {
  AS_OPERATOR,
  type DashboardWorld,
  OPERATOR,
  OPERATOR_PASSWORD,
  createDashboardWorld,
} from '../dashboard-world.ts';

export type ActionName = keyof typeof ACTIONS;

export interface Sent {
  status: number;
  html: string;
  /** Where it leads to. */
  location: string;
}

export interface Recorded {
  what: string;
  who: string;
  from: string;
  address?: string;
  count: number;
  filter: Record<string, unknown>;
  reason?: string;
}

export interface OperatorWorld extends DashboardWorld {
  /** A page, as the operator. */
  readonly get: (path?: string, url?: string) => Promise<string>;
  /** Sends a form, as the operator unless the headers say otherwise. */
  readonly post: (
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ) => Promise<Sent>;
  /** The token of a page with buttons. */
  readonly token: () => Promise<string>;
  /** Presses a button. */
  readonly press: (name: ActionName, filter?: object, more?: Record<string, string>) => Promise<Sent>;
  /** Presses a button and confirms. */
  readonly act: (name: ActionName, filter?: object, reason?: string) => Promise<Sent>;
  /** What the page of an action says once it has ended. */
  readonly endOf: (location: string) => Promise<string>;
  /** The audit log. */
  readonly recorded: () => Promise<Recorded[]>;
}

export const AN_OPERATOR = {
  DASHBOARD_OPERATOR_USER: OPERATOR,
  DASHBOARD_OPERATOR_PASSWORD: OPERATOR_PASSWORD,
};

export async function createOperatorWorld(options: WorldOptions = {}): Promise<OperatorWorld> {
  const world = await createDashboardWorld({ ...options, env: { ...AN_OPERATOR, ...options.env } });
  const { get, post } = operatorAt(world.url);
  const token = async () => fieldsIn(await get())['token'] ?? '';
  const press: OperatorWorld['press'] = async (name, filter = {}, more = {}) =>
    post(pathOf(name), { token: await token(), filter: JSON.stringify(filter), ...more });
  return {
    ...world,
    get,
    post,
    token,
    press,
    async act(name, filter, reason = '') {
      const { html } = await press(name, filter);
      return post(`${pathOf(name)}/confirmed`, { ...fieldsIn(html), reason });
    },
    async endOf(location) {
      for (;;) {
        const html = await get(location);
        if (!html.includes('http-equiv="refresh"')) return leadOf(html);
      }
    },
    async recorded() {
      const { stdout } = await runCommand(['audit', 'list', '--json', '-n', '0'], world.env);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Recorded);
    },
  };
}

/** How an operator asks a worker. */
export function operatorAt(url: string): Pick<OperatorWorld, 'get' | 'post'> {
  return {
    async get(path = '', at = url) {
      const answer = await fetch(at + pathFrom(path), { headers: { authorization: AS_OPERATOR } });
      return answer.text();
    },
    async post(path, fields, headers = {}) {
      const answer = await fetch(url + pathFrom(path), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(fields).toString(),
        headers: {
          authorization: AS_OPERATOR,
          'content-type': 'application/x-www-form-urlencoded',
          origin: url,
          ...headers,
        },
      });
      const { status } = answer;
      return { status, html: await answer.text(), location: answer.headers.get('location') ?? '' };
    },
  };
}

export function pathOf(name: ActionName): string {
  const { name: last }: Action = ACTIONS[name];
  return `/actions/${last}`;
}

function pathFrom(path: string): string {
  return path.startsWith('/dashboard') ? path : `/dashboard${path}`;
}

export interface FormFound {
  action: string;
  /** Those that are hidden. */
  fields: Record<string, string>;
}

/** The forms that a page would post. */
export function formsIn(html: string): FormFound[] {
  return [...html.matchAll(/<form[^>]*method="post"[^>]*>.*?<\/form>/gs)].map(([form]) => ({
    action: /action="([^"]*)"/.exec(form)?.[1] ?? '',
    fields: Object.fromEntries(
      [...form.matchAll(/<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"/g)].map(
        ([, name = '', value = '']) => [name, unescaped(value)],
      ),
    ),
  }));
}

/** The hidden fields of the first form. */
export function fieldsIn(html: string): Record<string, string> {
  return formsIn(html)[0]?.fields ?? {};
}

export function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** What the page says first. */
export function leadOf(html: string): string {
  const [, text = ''] = /<p class="lead"[^>]*>(.*?)<\/p>/s.exec(html) ?? [];
  return unescaped(
    text
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}

/** All that lies in Redis but what a worker and a reader do all the while, and what forms need before they act. */
export async function stateOf({ redis, prefix }: Pick<OperatorWorld, 'redis' | 'prefix'>): Promise<string[]> {
  const lines = await dumpRedis(redis, `${prefix}*`);
  const isOfNobody = new RegExp(
    `^${prefix.replaceAll(/[{}]/g, String.raw`\$&`)}:(?:[\\w-]+:(?:marker|stalled-check)|action:|form-key|deletion-salt|circuit:|session|logins|rate|agreed|alerts)`,
  );
  return lines.filter((line) => !isOfNobody.test(line)).toSorted();
}

/** Another connection of a test. */
export function connect(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  return redis;
}
