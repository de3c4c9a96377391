/**
 * bull-board, for single jobs: masked, read-only, and limited to known requests. Access is checked elsewhere.
 */
import { createBullBoard } from '@bull-board/api';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Queue } from 'bullmq';
import { Hono } from 'hono';
import { z } from 'zod';
import { MaskedQueue, STATUSES } from './masked-queue.ts';

export interface QueueBoardOptions {
  jobs: Queue;
  events: readonly Queue[];
  /** The absolute paths of the board and of the page above it. */
  basePath: string;
  parentPath: string;
}

/** Maximum number of jobs per answer; more would keep Redis busy. */
const MOST_JOBS = 100;

const Listing = z.object({
  activeQueue: z.string().optional(),
  status: z.enum(['latest', ...STATUSES]).optional(),
  page: z
    .string()
    .regex(/^\d{1,7}$/)
    .optional(),
  jobsPerPage: z
    .string()
    .regex(/^\d{1,3}$/)
    .refine((count) => Number(count) <= MOST_JOBS)
    .optional(),
});

export function createQueueBoard({ jobs, events, basePath, parentPath }: QueueBoardOptions): Hono {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath(basePath);
  createBullBoard({
    queues: [
      new MaskedQueue(jobs, 'jobs', 'Jobs, without the personal data'),
      ...events.map((queue) => new MaskedQueue(queue, 'events', 'Events, without the tokens')),
    ],
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: 'Jobs and events',
        hideDocsLink: true,
        hideRedisDetails: true,
        showMetrics: false,
        showWorkers: false,
      },
    },
  });

  const board = new Hono({ strict: false });
  board.use(async (context, next) => {
    if (!['GET', 'HEAD'].includes(context.req.method))
      return context.text('read-only\n', 405, { allow: 'GET' });
    await next();
    if (context.req.path.includes('/static/') && context.res.ok) {
      // A file of the package whose name changes with its content.
      context.header('cache-control', 'private, max-age=86400');
    }
    return undefined;
  });
  board.use('/api/*', async (context, next) => {
    // The board decodes the query a second time.
    if (!Object.values(context.req.query()).every(isDecodable)) return context.text('bad request\n', 400);
    await next();
    // The board's error messages may contain anything.
    if (context.res.status >= 500) context.res = context.text('unavailable\n', 503);
    return undefined;
  });
  board.use('/api/queues', async (context, next) => {
    if (!Listing.safeParse(context.req.query()).success) return context.text('bad request\n', 400);
    await next();
    return undefined;
  });
  // Our jobs are not part of flows, and reading one would bypass the masking.
  board.get('/api/queues/:queue/:job/flow', (context) =>
    context.json({ nodeId: context.req.param('job'), flowRoot: null, isFlowNode: false }),
  );
  board.use(async (context, next) => {
    await next();
    if (context.res.headers.get('content-type')?.startsWith('text/html') === true) {
      context.res = context.html(adapted(await context.res.text(), parentPath));
      context.header('content-security-policy', BOARD_POLICY);
    }
  });
  board.route('/', adapter.registerPlugin());
  return board;
}

/** Its styles come with its scripts; it sets `base` to find its files. */
const BOARD_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Removes external fonts and the style of the loading screen, and adds a link back to the page above. */
function adapted(html: string, parentPath: string): string {
  return html
    .replace(/<link[^<>]*https:\/\/fonts\.[^<>]*>/g, '')
    .replace('</head>', `<link rel="stylesheet" href="${parentPath}/board.css"></head>`)
    .replace(
      /<div id="root">(?:(?!<div id="root">)[^])*?<\/style>\s*<\/div>/,
      `<a id="back" href="${parentPath}">← Fleet</a>` +
        '<div id="root"><noscript>This page needs JavaScript.</noscript></div>',
    );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
