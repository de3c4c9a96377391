/**
 * A world with a dashboard in it, and how to ask for it.
 */
import { type World, type WorldOptions, createWorld } from '../../support/world.ts';

export const USER = 'ops';
export const PASSWORD = 'a password of the test';
export const AUTHORIZATION = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

export const OPERATOR = 'anna';
export const OPERATOR_PASSWORD = 'another password of the test';
export const AS_OPERATOR = `Basic ${Buffer.from(`${OPERATOR}:${OPERATOR_PASSWORD}`).toString('base64')}`;

type AskInit = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

export interface DashboardWorld extends World {
  readonly url: string;
  /** Asks below `/dashboard`, with the password. */
  readonly ask: (path?: string, init?: AskInit) => Promise<Response>;
  /** A page below `/dashboard`, as a viewer without scripts gets it; follows where it leads. */
  readonly page: (path: string) => Promise<ShownPage>;
}

export interface ShownPage {
  status: number;
  /** The path to which the request led. */
  path: string;
  /** Without what the search field contains: the field shows an id as it is. */
  html: string;
  /** What is inside `main`, without the tags, blanks as one. */
  text: string;
  /** The addresses of the links inside `main`, by their texts; of two with one text the last. */
  links: Map<string, string>;
}

/** As text, with what stands for a character put back. */
function textOf(html: string): string {
  return html
    .replaceAll(/<\/?(?:a|b|bdi|code|small|time)(?:\s[^>]*)?>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function shown(status: number, url: string, html: string): ShownPage {
  const main = /<main[^>]*>(.*)<\/main>/s.exec(html)?.[1] ?? '';
  const links = [...main.matchAll(/<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)<\/a\s*>/gs)];
  return {
    status,
    path: url.slice(new URL(url).origin.length),
    html: html.replace(/name="for"\s+value="[^"]*"/, 'name="for"'),
    text: textOf(main),
    links: new Map(links.map(([, href = '', text = '']) => [textOf(text), textOf(href)])),
  };
}

export async function createDashboardWorld(options: WorldOptions = {}): Promise<DashboardWorld> {
  const world = await createWorld({
    ...options,
    startsWorker: false,
    env: { DASHBOARD_USER: USER, DASHBOARD_PASSWORD: PASSWORD, ...options.env },
  });
  const { url } = await world.startWorker();
  const ask: DashboardWorld['ask'] = (path = '', init) =>
    fetch(`${url}/dashboard${path}`, {
      ...init,
      headers: { ...init?.headers, authorization: AUTHORIZATION },
    });
  return {
    ...world,
    url,
    ask,
    async page(path) {
      const answer = await ask(path);
      return shown(answer.status, answer.url, await answer.text());
    },
  };
}
