/** What tests of the session share: spans of time, answers of a scripted server, and a budget without limit. */
import type { LoginBudget } from '../../src/damoov/login-budget.ts';
import { refusal, type Answer } from './scripted-server.ts';
import type { startWorld } from './world.ts';

export const dayMs = 86_400_000;

export const minuteMs = 60_000;

export function operations({ server }: Awaited<ReturnType<typeof startWorld>>): (string | undefined)[] {
  return server.received.map(({ operation }) => operation);
}

/** Answers as Damoov to requests with that token, and with 401 to all others. */
export function onlyFor(token: string, answer: Answer): Answer {
  return (response, request) =>
    (request.headers['Authorization'] === `Bearer ${token}` ? answer : refusal(401))(response, request);
}

export function unlimited(): LoginBudget {
  return { take: async () => ({ granted: true }), bar: async () => {} };
}
