/**
 * Knows how to have a valid admin token at hand: from the store, by refresh, and by login only as the last way and within
 * a budget, because too many logins bar the IP for an hour (documented). It refuses to know what the token is used for.
 */
import { DamoovError } from './errors.ts';
import type { DamoovErrorDetails } from './errors.ts';
import type { LoginBudget } from './login-budget.ts';
import { failure } from './transport.ts';
import type { Call, Transport } from './transport.ts';
import { loginBody, readTokens, refreshBody } from './wire.ts';

/** What one login or refresh has brought. Times are in milliseconds since the epoch, by the client's clock. */
export interface TokenPair {
  readonly accessToken: string;
  /** Absent once Damoov has refused it, or where it gave none. */
  readonly refreshToken?: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

/** Where the token pair is kept. A fleet shares one; it holds secrets. */
export interface SessionStore {
  load(): Promise<TokenPair | undefined>;
  save(pair: TokenPair): Promise<void>;
  /** Forgets this pair, of which neither token is good any more, and no newer one. */
  clear(spent: TokenPair): Promise<void>;
  /**
   * Runs the renewal while no other process runs one; without it two processes may refresh with the same token, and one
   * of them is refused. The renewal looks into the store first. Both tokens rotate (documented).
   */
  exclusively?<T>(renew: () => Promise<T>): Promise<T>;
}

export interface SessionOptions {
  readonly admin: { readonly email: string; readonly password: string };
  readonly transport: Transport;
  readonly store: SessionStore;
  readonly budget: LoginBudget;
  readonly now: () => number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** An admin's access token is documented to live for a day; used where the answer does not say. */
const usualLifetimeMs = 24 * hourMs;
/** After a failed early renewal the token at hand is used for so long before the next. */
const earlyRenewalPauseMs = 30_000;
const firstLoginPauseMs = 5_000;
const lastLoginPauseMs = 15 * minuteMs;

/** The admin's session, shared by all calls of one client: at any time at most one renewal is under way. */
export class AdminSession {
  readonly #options: SessionOptions;
  #renewal: Promise<TokenPair> | undefined;
  #rejectedToken: string | undefined;
  #earlyRenewalFrom = 0;
  #failedLogin: { readonly error: DamoovError; readonly until: number; readonly pauseMs: number } | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * A token to use now. The renewal behind it is shared, so the caller's signal ends only this caller's wait.
   *
   * @throws DamoovError of a refresh or login, or `aborted` in the name of the caller's operation.
   */
  async accessToken(caller: Pick<Call, 'operation' | 'subject' | 'signal'>): Promise<string> {
    const pair = await unlessAborted(() => this.#currentPair(), caller);
    return pair.accessToken;
  }

  /** Damoov answered 401 to this token: it is not handed out again, whatever its expiry says. */
  reject(token: string): void {
    this.#rejectedToken = token;
  }

  async #currentPair(): Promise<TokenPair> {
    const { store, now } = this.#options;
    const pair = await store.load();
    if (pair !== undefined && this.#isGood(pair)) {
      if (!isDue(pair, now()) || now() < this.#earlyRenewalFrom) return pair;
    }
    this.#renewal ??= this.#startRenewal().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #startRenewal(): Promise<TokenPair> {
    const { store } = this.#options;
    const renew = () => this.#renew();
    return store.exclusively === undefined ? renew() : store.exclusively(renew);
  }

  async #renew(): Promise<TokenPair> {
    const { store, now } = this.#options;
    const pair = await store.load();
    // Somebody else may have renewed it since the caller looked.
    if (pair !== undefined && this.#isGood(pair) && !isDue(pair, now())) return pair;
    try {
      return (await this.#refresh(pair)) ?? (await this.#login());
    } catch (error) {
      if (pair === undefined || !this.#isGood(pair)) throw error;
      // It was an early renewal: nobody has to suffer yet.
      this.#earlyRenewalFrom = now() + earlyRenewalPauseMs;
      return pair;
    }
  }

  /** Undefined where there is nothing to refresh with, or Damoov refused it. A transient failure is thrown: no login for that. */
  async #refresh(pair: TokenPair | undefined): Promise<TokenPair | undefined> {
    if (pair?.refreshToken === undefined) return undefined;
    const { accessToken, refreshToken } = pair;
    const { store } = this.#options;
    try {
      const renewed = await this.#requestTokens({
        operation: 'refresh',
        method: 'POST',
        path: '/v1/Auth/RefreshToken',
        body: refreshBody(accessToken, refreshToken),
        needsResult: true,
        secrets: [accessToken, refreshToken],
      });
      const next = { refreshToken, ...renewed };
      await store.save(next);
      return next;
    } catch (error) {
      if (!isRefreshRefused(error)) throw error;
      const stored = await store.load();
      if (stored !== undefined && stored.accessToken !== accessToken && this.#isGood(stored)) return stored;
      // Without its refresh token the pair is still good for what is left of the access token's life.
      const { refreshToken: _refused, ...rest } = pair;
      await (this.#isGood(pair) ? store.save(rest) : store.clear(pair));
      return undefined;
    }
  }

  async #login(): Promise<TokenPair> {
    const { admin, store, budget } = this.#options;
    this.#throwIfLoginFailedLately();
    const grant = await budget.take();
    if (!grant.granted) {
      throw failure(
        { operation: 'login' },
        { kind: 'login-barred', retryAfterMs: grant.retryAfterMs, wasSent: false },
      );
    }
    const pair = await this.#requestTokens({
      operation: 'login',
      method: 'POST',
      path: '/v1/Auth/Login',
      body: loginBody(admin.email, admin.password),
      needsResult: true,
      secrets: [admin.email, admin.password],
    }).catch(async (error: unknown) => {
      throw await this.#afterFailedLogin(error);
    });
    this.#failedLogin = undefined;
    await store.save(pair);
    return pair;
  }

  /** The error to throw, remembered so that the jobs that wait for a session do not spend the budget one after the other. */
  async #afterFailedLogin(error: unknown): Promise<unknown> {
    if (!(error instanceof DamoovError)) return error;
    const { budget, now } = this.#options;
    if (!error.wasSent) {
      await budget.giveBack?.();
      return error;
    }
    const isBarred = error.kind === 'rate-limited';
    const pauseMs = Math.min((this.#failedLogin?.pauseMs ?? firstLoginPauseMs / 2) * 2, lastLoginPauseMs);
    const askedMs = error.retryAfterMs ?? 0;
    const retryAfterMs = isBarred ? (askedMs > 0 ? askedMs : hourMs) : Math.max(pauseMs, askedMs);
    const kind = isBarred ? 'login-barred' : isRefusal(error) ? 'login-refused' : error.kind;
    const told = again(error, { kind, retryAfterMs, wasSent: true });
    this.#failedLogin = { error: told, until: now() + retryAfterMs, pauseMs };
    if (isBarred) await budget.bar(retryAfterMs);
    return told;
  }

  #throwIfLoginFailedLately(): void {
    if (this.#failedLogin === undefined) return;
    const { error, until } = this.#failedLogin;
    const retryAfterMs = until - this.#options.now();
    if (retryAfterMs <= 0) return;
    // An outage that ended it tells nothing of the next request: what is left of it is a pause.
    const kind = error.kind === 'login-refused' ? error.kind : 'login-barred';
    throw again(error, { kind, retryAfterMs, wasSent: false });
  }

  async #requestTokens(call: Call): Promise<TokenPair> {
    const { transport, now } = this.#options;
    const obtainedAt = now();
    const { status, result } = await transport.send(call);
    const tokens = readTokens(result);
    if (tokens === undefined) throw failure(call, { kind: 'malformed', status, wasSent: true });
    const { accessToken, ...rest } = tokens;
    const lifetimeMs = accessToken.expiresInS === undefined ? usualLifetimeMs : accessToken.expiresInS * 1000;
    return { accessToken: accessToken.token, ...rest, obtainedAt, expiresAt: obtainedAt + lifetimeMs };
  }

  #isGood(pair: TokenPair): boolean {
    return pair.accessToken !== this.#rejectedToken && this.#options.now() < pair.expiresAt;
  }
}

/** Due when less than a tenth of its life or five minutes remain, whichever is smaller. */
function isDue({ obtainedAt, expiresAt }: TokenPair, nowMs: number): boolean {
  return expiresAt - nowMs <= Math.min((expiresAt - obtainedAt) / 10, 5 * minuteMs);
}

/** A definite 4xx. 429 and 408 are no verdict on what was sent. */
function isRefusal({ kind, status = 0 }: DamoovError): boolean {
  return status >= 400 && status < 500 && kind !== 'rate-limited' && kind !== 'timeout';
}

/**
 * Which answer says that a refresh token is no good is contradictory in the sources (401, 400, or an envelope of 419): any
 * 4xx does. So does a success with no Result: waiting for such an answer to change might never end.
 */
function isRefreshRefused(error: unknown): boolean {
  return error instanceof DamoovError && (isRefusal(error) || error.kind === 'no-result');
}

/** The same failure told anew. */
function again(
  { operation, status, errors, cause }: DamoovError,
  details: Pick<DamoovErrorDetails, 'kind' | 'retryAfterMs' | 'wasSent'>,
): DamoovError {
  return new DamoovError({ operation, status, errors, cause, ...details });
}

function unlessAborted<T>(
  start: () => Promise<T>,
  caller: Pick<Call, 'operation' | 'subject' | 'signal'>,
): Promise<T> {
  const { signal } = caller;
  if (signal === undefined) return start();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(failure(caller, { kind: 'aborted', wasSent: false }));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A store for one process that forgets with it. */
export function inMemorySessionStore(): SessionStore {
  let kept: TokenPair | undefined;
  return {
    load: async () => kept,
    save: async (pair) => {
      kept = pair;
    },
    clear: async (spent) => {
      if (kept?.accessToken === spent.accessToken) kept = undefined;
    },
  };
}
