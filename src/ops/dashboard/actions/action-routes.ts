/**
 * The routes of actions: who may post, from where, and what a form may be.
 */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Answer, DashboardEnv } from '../dashboard-env.ts';
import { queryIn } from '../query.ts';
import { InputFault } from '../input-fault.ts';
import type { Action } from './action.ts';
import { ACTIONS } from './actions.ts';
import { ACTIONS_PATH, MOST_FORM, formIn } from './forms.ts';
import { COUNT_MS, type OperatorActions } from './operator-actions.ts';
import { faultyFormPage, forgedPage, viewerPage } from './refusal-pages.ts';
import { isSameOrigin } from './same-origin.ts';

export function actionRoutes(actions: OperatorActions, answer: Answer): Hono<DashboardEnv> {
  const routes = new Hono<DashboardEnv>({ strict: false });
  routes.post(`${ACTIONS_PATH}/*`, async (context, next) => {
    if (context.get('account').role !== 'operator') return answer(context, async () => viewerPage());
    if (!isSameOrigin((name) => context.req.header(name))) return answer(context, async () => forgedPage());
    return next();
  });
  const tooLarge = (context: Context<DashboardEnv>) =>
    answer(context, async () => faultyFormPage(['It is too large.']));
  routes.post(`${ACTIONS_PATH}/*`, bodyLimit({ maxSize: MOST_FORM, onError: tooLarge }));
  for (const action of Object.values<Action>(ACTIONS)) {
    const path = `${ACTIONS_PATH}/${action.name}`;
    routes.post(path, (context) =>
      answer(context, async () => {
        allowTime(context);
        return actions.ask(action, await readForm(context), context.get('account'));
      }),
    );
    routes.post(`${path}/confirmed`, (context) =>
      answer(context, async () => {
        const { account, address } = context.var;
        return actions.confirm(action, await readForm(context), account, address);
      }),
    );
  }
  routes.get(`${ACTIONS_PATH}/done/:action`, (context) =>
    answer(context, async () => {
      const { again } = queryIn(context.req.url, { again: z.string().optional() });
      return actions.show(context.req.param('action'), again !== undefined);
    }),
  );
  return routes;
}

/** Counting takes long where there is much: no silence of that time ends the connection. */
function allowTime(context: Context<DashboardEnv>): void {
  context.env.incoming?.socket.setTimeout(2 * COUNT_MS);
}

/** @throws InputFault */
async function readForm({ req }: Context<DashboardEnv>): Promise<ReadonlyMap<string, string>> {
  const type = req.header('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(type.trim()))
    throw new InputFault(['It is not sent as a form.']);
  return formIn(await req.text());
}
