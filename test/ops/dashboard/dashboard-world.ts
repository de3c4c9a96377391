/**
 * A world with a dashboard in it, and how to ask for it.
 */
import { type World, type WorldOptions, createWorld } from '../../support/world.ts';

export const USER = 'ops';
export const PASSWORD = 'a password of the test';
export const AUTHORIZATION = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

type AskInit = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

export interface DashboardWorld extends World {
  readonly url: string;
  /** Asks below `/dashboard`, with the password. */
  readonly ask: (path?: string, init?: AskInit) => Promise<Response>;
}

export async function createDashboardWorld(options: WorldOptions = {}): Promise<DashboardWorld> {
  const world = await createWorld({
    ...options,
    startsWorker: false,
    env: { DASHBOARD_USER: USER, DASHBOARD_PASSWORD: PASSWORD, ...options.env },
  });
  const { url } = await world.startWorker();
  return {
    ...world,
    url,
    ask: (path = '', init) =>
      fetch(`${url}/dashboard${path}`, {
        ...init,
        headers: { ...init?.headers, authorization: AUTHORIZATION },
      }),
  };
}
