/**
 * The dashboard: the routes of its pages, behind user and password. It changes nothing but by the actions of operators.
 */
import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import type { Mount, OpsEnv } from '../health.ts';
import type { SettledInTime } from '../settled-in-time.ts';
import { actionRoutes } from './actions/action-routes.ts';
import { ACTIONS_PATH } from './actions/forms.ts';
import type { OperatorActions } from './actions/operator-actions.ts';
import { fleetActions } from './actions/page-actions.ts';
import { faultyFormPage } from './actions/refusal-pages.ts';
import type { Answer, DashboardEnv } from './dashboard-env.ts';
import { fleetPage } from './fleet/fleet-page.ts';
import { panelsOf } from './fleet/panels.ts';
import { type Reading, type ReadingSources, createReader } from './fleet/reading.ts';
import { type Page, type Site, layoutOf } from './layout.ts';
import { type LetInOptions, letIn } from './let-in.ts';
import { type PageOf, type PageSources, pagesOf } from './pages.ts';
import { PATH, pathOf } from './paths.ts';
import { faultyQueryPage, noPage, unreadPage } from './problem-pages.ts';
import { InputFault } from './input-fault.ts';
import { UnreadError } from './read-in-time.ts';

export interface DashboardOptions extends Site {
  access: LetInOptions;
  fleet: ReadingSources;
  pages: PageSources;
  loginsPerHour: number;
  inTime: () => SettledInTime;
  /** Undefined if no account may act. */
  actions?: OperatorActions | undefined;
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
  const { loginsPerHour, inTime, actions } = options;
  const readFleet = createReader(options.fleet);
  const panels = (reading: Reading) => panelsOf(reading, { loginsPerHour, inTime: inTime() });

  const routes = new Hono<DashboardEnv>({ strict: false });
  routes.use(letIn(options.access));
  routes.use(async (context, next) => {
    const isAction = actions !== undefined && context.req.path.startsWith(`${pathOf(ACTIONS_PATH)}/`);
    const methods = isAction ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'];
    if (!methods.includes(context.req.method)) return context.text('read-only\n', 405, { allow: 'GET' });
    await next();
    return undefined;
  });
  const answer = answerWith(options);
  const show = (path: string, pageOf: PageOf) =>
    routes.get(path, (context) =>
      answer(context, async () => {
        const { account } = context.var;
        const buttons = account.role === 'operator' ? await actions?.buttons(account) : undefined;
        return pageOf({ url: context.req.url, id: context.req.param('jobId') ?? '', buttons });
      }),
    );

  show('/', async ({ buttons }) => {
    const reading = await readFleet();
    return fleetPage(await panels(reading), fleetActions(reading, buttons));
  });
  for (const [path, pageOf] of Object.entries(pagesOf(options.pages))) show(path, pageOf);
  routes.get('/panels.json', async (context) => context.json(await panels(await readFleet())));
  for (const [name, type] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
    routes.get(`/${name}`, (context) =>
      context.body(content, 200, { 'content-type': `${type}; charset=utf-8` }),
    );
  }
  if (actions !== undefined) routes.route('/', actionRoutes(actions, answer));
  routes.all('/*', (context) => answer(context, async () => noPage()));
  return { path: PATH, routes: new Hono<OpsEnv>({ strict: false }).route('/', routes) };
}

function answerWith(site: Site): Answer {
  return async (context, pageOf) => {
    const isForm = context.req.method === 'POST';
    const page = await pageOf().catch((error: unknown) => problemPageOf(error, isForm));
    if ('leadsTo' in page) return context.redirect(page.leadsTo, 303);
    const { role, name } = context.get('account');
    const operator = role === 'operator' ? name : undefined;
    return context.html(await layoutOf(page, site, operator), page.status ?? 200, {
      'content-security-policy': PAGE_POLICY,
      // Without a referrer a browser hides the origin of a form, too.
      ...(operator !== undefined && { 'referrer-policy': 'same-origin' }),
    });
  };
}

/** @throws every other error as it is. */
function problemPageOf(error: unknown, isForm: boolean): Page {
  if (error instanceof InputFault)
    return isForm ? faultyFormPage(error.faults) : faultyQueryPage(error.faults);
  if (error instanceof UnreadError) return unreadPage();
  throw error;
}
