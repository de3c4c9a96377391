/**
 * The dashboard: a page of our own with the state of the fleet, and a board of the queues below it. Requires user and password, and
 * changes nothing.
 */
import { readFileSync } from 'node:fs';
import type { Queue } from 'bullmq';
import { type Context, Hono } from 'hono';
import type { Mount, OpsEnv } from '../health.ts';
import { type Access, type AccessOptions, createAccess } from './access.ts';
import { pageOf } from './page.ts';
import { panelsOf } from './panels.ts';
import { createQueueBoard } from './queue-board.ts';
import { type ReadingSources, createReader } from './reading.ts';

export interface DashboardOptions {
  access: AccessOptions;
  sources: ReadingSources;
  jobs: Queue;
  events: readonly Queue[];
  loginsPerHour: number;
  isSandbox: boolean;
}

const PATH = '/dashboard';
const BOARD_PATH = `${PATH}/queues`;

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = {
  'page.css': 'text/css',
  'board.css': 'text/css',
  'page.js': 'text/javascript',
  'page.svg': 'image/svg+xml',
};

export function createDashboard(options: DashboardOptions): Mount {
  const { sources, jobs, events, loginsPerHour, isSandbox } = options;
  const access = createAccess(options.access);
  const read = createReader(sources);
  const panels = async () => panelsOf(await read(), { boardPath: BOARD_PATH, loginsPerHour });

  const routes = new Hono<OpsEnv>({ strict: false });
  routes.use(async (context, next) => {
    const refusal = refusalOf(access, context);
    if (refusal !== undefined) return refusal;
    if (!['GET', 'HEAD'].includes(context.req.method))
      return context.text('read-only\n', 405, { allow: 'GET' });
    await next();
    return undefined;
  });
  routes.get('/', async (context) => {
    const page = await pageOf(await panels(), { path: PATH, boardPath: BOARD_PATH, isSandbox });
    return context.html(page, 200, { 'content-security-policy': PAGE_POLICY });
  });
  routes.get('/panels.json', async (context) => context.json(await panels()));
  for (const [name, type] of Object.entries(FILES)) {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
    routes.get(`/${name}`, (context) =>
      context.body(content, 200, { 'content-type': `${type}; charset=utf-8` }),
    );
  }
  routes.use('/queues/api/*', async (context, next) => {
    if (!sources.isThere()) return context.text('Redis does not answer\n', 503);
    await next();
    return undefined;
  });
  routes.route('/queues', createQueueBoard({ jobs, events, basePath: BOARD_PATH, parentPath: PATH }));
  return { path: PATH, routes };
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
