/**
 * Logs the admin in within a budget, because too many logins bar the IP for an hour (documented), and briefly remembers a failed login.
 */
import { DamoovError } from './errors.ts';
import type { DamoovErrorDetails } from './errors.ts';
import type { LoginBudget } from './login-budget.ts';
import type { TokenPair } from './session-store.ts';
import { failure } from './transport.ts';
import type { Call } from './transport.ts';
import type { GuardedTransport } from './guarded-transport.ts';
import { loginBody, readTokens, refreshBody, userLoginBody } from './wire.ts';

export interface LoginOptions {
  readonly admin: { readonly email: string; readonly password: string };
  readonly transport: GuardedTransport;
  readonly budget: LoginBudget;
  readonly now: () => number;
}

const hourMs = 3_600_000;
/** An admin's access token lives for a day (documented); used if the answer gives no lifetime. */
const usualLifetimeMs = 24 * hourMs;
/**
 * Pause of all processes after a failed login: enough for all callers that wait for the session to fail with it. Further attempts are up
 * to the budget and the caller.
 */
const failedLoginPauseMs = 2_000;
/** Maximum time from a grant to its login: in a process that was frozen, a grant is void. */
const grantMs = 5_000;

export class Login {
  readonly #options: LoginOptions;
  #failedLogin: { readonly error: DamoovError; readonly until: number } | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** @throws DamoovError */
  async logIn(): Promise<TokenPair> {
    const { admin } = this.#options;
    this.#throwIfLoginFailedLately();
    const body = loginBody(admin.email, admin.password);
    const pair = await logInWithin(this.#options, { body }, (error) => this.#afterFailedLogin(error));
    this.#failedLogin = undefined;
    return pair;
  }

  /** The error to throw; it is remembered, so that waiting jobs do not spend the budget one after another. */
  async #afterFailedLogin(error: unknown): Promise<unknown> {
    if (!(error instanceof DamoovError)) return error;
    const { budget, now } = this.#options;
    if (!error.wasSent) {
      await budget.giveBack?.();
      return error;
    }
    const isBarred = error.kind === 'rate-limited';
    const barMs = error.retryAfterMs ?? 0;
    const retryAfterMs = isBarred ? barMs || hourMs : Math.max(failedLoginPauseMs, barMs);
    const kind = isBarred ? 'login-barred' : isRefusal(error) ? 'login-refused' : error.kind;
    const failure = withDetails(error, { kind, retryAfterMs, wasSent: true });
    this.#failedLogin = { error: failure, until: now() + retryAfterMs };
    await this.#barOthers(failure, retryAfterMs);
    return failure;
  }

  /** Other callers that wait for the session would try the same at once. If this cannot be stored, the login's error still counts. */
  async #barOthers({ kind }: DamoovError, ms: number): Promise<void> {
    const { budget } = this.#options;
    const hasDecision = kind === 'login-refused' || kind === 'login-barred';
    await Promise.allSettled([
      kind === 'login-refused' ? budget.refused?.() : undefined,
      hasDecision || budget.failed === undefined ? budget.bar(ms) : budget.failed(),
    ]);
  }

  #throwIfLoginFailedLately(): void {
    if (this.#failedLogin === undefined) return;
    const { error, until } = this.#failedLogin;
    const retryAfterMs = until - this.#options.now();
    if (retryAfterMs <= 0) return;
    // An outage proves nothing about the next request: only a pause remains.
    const isKnown = error.kind === 'login-refused' || error.kind === 'wrong-base-url';
    const kind = isKnown ? error.kind : 'login-barred';
    throw withDetails(error, { kind, retryAfterMs, wasSent: false });
  }
}

/**
 * Sends a login that the budget allows.
 * @param afterFailure turns the error of the request into the one to throw.
 */
async function logInWithin(
  { budget, transport, now }: Omit<LoginOptions, 'admin'>,
  login: Pick<Call, 'body' | 'headers' | 'subject' | 'signal'>,
  afterFailure: (error: unknown) => Promise<unknown>,
): Promise<TokenPair> {
  await transport.expectAnswer();
  const grant = await budget.take();
  if (!grant.granted) {
    throw failure(
      { operation: 'login' },
      { kind: 'login-barred', retryAfterMs: grant.retryAfterMs, wasSent: false },
    );
  }
  const grantedAt = now();
  const call: Call = {
    operation: 'login',
    method: 'POST',
    path: '/v1/Auth/Login',
    needsResult: true,
    maySend: () => now() - grantedAt <= grantMs,
    ...login,
  };
  return requestTokens({ transport, now }, call).catch(async (error: unknown) => {
    throw await afterFailure(error);
  });
}

/** Logs a user in with the key of its instance. Admins and users share one limit of logins. */
export async function logUserIn(
  options: Omit<LoginOptions, 'admin'>,
  instance: { readonly id: string; readonly key: string },
  userId: string,
  signal?: AbortSignal,
): Promise<TokenPair> {
  const { budget } = options;
  const login = {
    subject: userId,
    headers: { InstanceId: instance.id },
    body: userLoginBody(userId, instance.key),
    signal,
  };
  return logInWithin(options, login, async (error) => {
    if (!(error instanceof DamoovError)) return error;
    if (!error.wasSent) await budget.giveBack?.();
    if (error.kind !== 'rate-limited') return error;
    const retryAfterMs = error.retryAfterMs ?? hourMs;
    await budget.bar(retryAfterMs);
    return withDetails(error, { kind: 'login-barred', retryAfterMs, wasSent: true });
  });
}

/** Both tokens rotate (documented); the access token may have expired. */
export async function refreshTokens(
  options: Pick<LoginOptions, 'transport' | 'now'>,
  { accessToken, refreshToken }: Required<Pick<TokenPair, 'accessToken' | 'refreshToken'>>,
  signal?: AbortSignal,
): Promise<TokenPair> {
  return requestTokens(options, {
    operation: 'refresh',
    method: 'POST',
    path: '/v1/Auth/RefreshToken',
    body: refreshBody(accessToken, refreshToken),
    needsResult: true,
    signal,
  });
}

/** Requests the token pair of a login or a refresh. */
async function requestTokens(
  { transport, now }: Pick<LoginOptions, 'transport' | 'now'>,
  call: Call,
): Promise<TokenPair> {
  const obtainedAt = now();
  const { status, result } = await transport.send(call);
  const tokens = readTokens(result);
  if (tokens === undefined) throw failure(call, { kind: 'malformed', status, wasSent: true });
  const { accessToken, ...rest } = tokens;
  const lifetimeMs = accessToken.expiresInS === undefined ? usualLifetimeMs : accessToken.expiresInS * 1000;
  return { accessToken: accessToken.token, ...rest, obtainedAt, expiresAt: obtainedAt + lifetimeMs };
}

/** A definite 4xx. 429 and 408 decide nothing about the request. */
export function isRefusal({ kind, status = 0 }: DamoovError): boolean {
  const isDecision = kind !== 'rate-limited' && kind !== 'timeout' && kind !== 'wrong-base-url';
  return status >= 400 && status < 500 && isDecision;
}

/** The same failure with other details. */
function withDetails(
  { operation, status, errors, cause, place }: DamoovError,
  details: Pick<DamoovErrorDetails, 'kind' | 'retryAfterMs' | 'wasSent'>,
): DamoovError {
  return new DamoovError({ operation, status, errors, cause, place, ...details });
}
