/**
 * The dashboard: the routes of its pages, behind user and password. It changes nothing.
 */
import { readFileSync } from 'node:fs';
import { type Context, Hono } from 'hono';
import type { Mount, OpsEnv } from '../health.ts';
import type { SettledInTime } from '../settled-in-time.ts';
import { type Access, type AccessOptions, createAccess } from './access.ts';
import { fleetPage } from './fleet/fleet-page.ts';
import { panelsOf } from './fleet/panels.ts';
import { type ReadingSources, createReader } from './fleet/reading.ts';
import { type Page, type Site, layoutOf } from './layout.ts';
import { type PageOf, type PageSources, pagesOf } from './pages.ts';
import { PATH } from './paths.ts';
import { faultyQueryPage, noPage, unreadPage } from './problem-pages.ts';
import { QueryFault } from './query.ts';
import { UnreadError } from './read-in-time.ts';

export interface DashboardOptions extends Site {
  access: AccessOptions;
  fleet: ReadingSources;
  pages: PageSources;
  loginsPerHour: number;
  inTime: () => SettledInTime;
}

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = { 'page.css': 'text/css', 'page.js': 'text/javascript', 'page.svg': 'image/svg+xml' };

export function createDashboard(options: DashboardOptions): Mount {
  const { loginsPerHour, inTime } = options;
  const access = createAccess(options.access);
  const readFleet = createReader(options.fleet);
  const panels = async () => panelsOf(await readFleet(), { loginsPerHour, inTime: inTime() });

  const routes = new Hono<OpsEnv>({ strict: false });
  routes.use(async (context, next) => {
    const refusal = refusalOf(access, context);
    if (refusal !== undefined) return refusal;
    if (!['GET', 'HEAD'].includes(context.req.method))
      return context.text('read-only\n', 405, { allow: 'GET' });
    await next();
    return undefined;
  });
  const show = (path: string, pageOf: PageOf) =>
    routes.get(path, async (context) => {
      const request = { url: context.req.url, id: context.req.param('jobId') ?? '' };
      const page = await pageOf(request).catch(problemPageOf);
      if ('leadsTo' in page) return context.redirect(page.leadsTo, 303);
      return context.html(await layoutOf(page, options), page.status ?? 200, {
        'content-security-policy': PAGE_POLICY,
      });
    });

  show('/', async () => fleetPage(await panels()));
  for (const [path, pageOf] of Object.entries(pagesOf(options.pages))) show(path, pageOf);
  routes.get('/panels.json', async (context) => context.json(await panels()));
  for (const [name, type] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
    routes.get(`/${name}`, (context) =>
      context.body(content, 200, { 'content-type': `${type}; charset=utf-8` }),
    );
  }
  show('/*', async () => noPage());
  return { path: PATH, routes };
}

/** @throws every other error as it is. */
function problemPageOf(error: unknown): Page {
  if (error instanceof QueryFault) return faultyQueryPage(error.faults);
  if (error instanceof UnreadError) return unreadPage();
  throw error;
}

/** The same answer for a wrong user, a wrong password and none. */
function refusalOf(access: Access, context: Context<OpsEnv>): Response | undefined {
  const from = context.env.incoming?.socket.remoteAddress ?? '';
  const decision = access.decision(context.req.header('authorization'), from);
  switch (decision.is) {
    case 'granted':
      return undefined;
    case 'refused':
      return context.text('user and password, please\n', 401, {
        'www-authenticate': 'Basic realm="damoov-user-lifecycle", charset="UTF-8"',
      });
    case 'limited':
      return context.text('too many wrong passwords\n', 429, { 'retry-after': String(decision.retryAfterS) });
  }
}
