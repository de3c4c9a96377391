/**
 * Lets in who has an account: by the headers of a proxy, or by user and password.
 */
import type { MiddlewareHandler } from 'hono';
import { type AccessOptions, createAccess } from './access.ts';
import type { DashboardEnv } from './dashboard-env.ts';
import { type ProxyOptions, proxyAccount } from './proxy-account.ts';

export type LetInOptions = AccessOptions & { proxy?: ProxyOptions | undefined };

/** The same answer for a wrong user, a wrong password and none. */
export function letIn({ proxy, ...passwords }: LetInOptions): MiddlewareHandler<DashboardEnv> {
  const access = createAccess(passwords);
  return async (context, next) => {
    const header = (name: string) => context.req.header(name);
    const { incoming } = context.env;
    const address = incoming?.socket.remoteAddress ?? '';
    // One that is repeated was sent by the client, too, and not removed by the proxy.
    const ofProxy = (name: string) =>
      timesOf(name, incoming?.rawHeaders ?? []) > 1 ? undefined : header(name);
    const proxied = proxy && proxyAccount(proxy, ofProxy, address);
    const decision = proxied
      ? ({ is: 'granted', account: proxied } as const)
      : access.decision(header('authorization'), address);
    switch (decision.is) {
      case 'granted':
        context.set('account', decision.account);
        context.set('address', address);
        return next();
      case 'refused':
        return context.text('user and password, please\n', 401, {
          'www-authenticate': 'Basic realm="damoov-user-lifecycle", charset="UTF-8"',
        });
      case 'limited':
        return context.text('too many wrong passwords\n', 429, {
          'retry-after': String(decision.retryAfterS),
        });
    }
  };
}

/** How often a header is there. @param raw names and values in turn. */
function timesOf(name: string, raw: readonly string[]): number {
  return raw.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name).length;
}
