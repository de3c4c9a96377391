/**
 * Provides a valid admin token: from the store, by refresh, and by login only as a last resort.
 */
import { DamoovError } from './errors.ts';
import { Login, type LoginOptions, isRefusal, refreshTokens } from './login.ts';
import type { SessionStore, TokenPair } from './session-store.ts';
import { failure } from './transport.ts';
import type { Call } from './transport.ts';

export interface SessionOptions extends LoginOptions {
  readonly store: SessionStore;
}

const minuteMs = 60_000;
/** After a failed early renewal the current token is used for this time before the next attempt. */
const earlyRenewalPauseMs = 30_000;
/** The admin's session, shared by all calls of one client: at any time at most one renewal is under way. */
export class AdminSession {
  readonly #options: SessionOptions;
  readonly #login: Login;
  /** The pair in use: the store is read only if this one is due, or was answered with 401. */
  #current: TokenPair | undefined;
  #renewal: Promise<TokenPair | undefined> | undefined;
  #rejectedToken: string | undefined;
  #earlyRenewalFrom = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#login = new Login(options);
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

  /** Damoov answered 401 to this token: it is not used again, even before its expiry. */
  reject(token: string): void {
    this.#rejectedToken = token;
  }

  async #currentPair(): Promise<TokenPair> {
    const { store, now } = this.#options;
    if (!this.#isFresh(this.#current)) this.#current = this.#better(await store.load());
    const pair = this.#current;
    const isGood = this.#isGood(pair);
    if (isGood && (!isDue(pair, now()) || now() < this.#earlyRenewalFrom)) return pair;
    this.#renewal ??= this.#startRenewal(!isGood).finally(() => {
      this.#renewal = undefined;
    });
    const renewed = await this.#renewal;
    if (renewed !== undefined) return renewed;
    // Another process renews it; until then this pair can be used, unless it has been rejected meanwhile.
    return this.#isGood(pair) ? pair : this.#currentPair();
  }

  async #startRenewal(waits: boolean): Promise<TokenPair | undefined> {
    const { store } = this.#options;
    const renew = () => this.#renew();
    return store.exclusively === undefined ? renew() : store.exclusively(renew, { waits });
  }

  async #renew(): Promise<TokenPair> {
    const { store, now } = this.#options;
    const stored = await store.load();
    // Another call may have renewed it since the caller looked.
    if (this.#isFresh(stored)) return (this.#current = stored);
    const pair = this.#better(stored);
    try {
      return (await this.#refresh(pair)) ?? (await this.#keep(await this.#login.logIn(), pair));
    } catch (error) {
      if (!this.#isGood(pair)) throw error;
      // It was an early renewal: the current token still works.
      this.#earlyRenewalFrom = now() + earlyRenewalPauseMs;
      return pair;
    }
  }

  /** Undefined if only a login is left. A transient failure is thrown: it justifies no login. */
  async #refresh(pair: TokenPair | undefined): Promise<TokenPair | undefined> {
    if (pair?.refreshToken === undefined) return this.#isGood(pair) ? pair : undefined;
    const { accessToken, refreshToken } = pair;
    const renewed = await refreshTokens(this.#options, { accessToken, refreshToken }).catch(
      (error: unknown) => {
        if (isRefreshRefused(error)) return undefined;
        throw error;
      },
    );
    return renewed === undefined
      ? this.#withoutRefresh(pair)
      : this.#keep({ refreshToken, ...renewed }, pair);
  }

  /** Another process was faster, or spent the refresh token and died before storing the new pair. */
  async #withoutRefresh(pair: TokenPair): Promise<TokenPair | undefined> {
    const { store } = this.#options;
    const stored = await store.load();
    if (stored !== undefined && stored.accessToken !== pair.accessToken && this.#isGood(stored)) {
      return (this.#current = stored);
    }
    if (!this.#isGood(pair)) {
      this.#current = undefined;
      await this.#reportRevoked(pair, stored);
      await store.clear(pair);
      return undefined;
    }
    // The pair is usable until the access token expires, and no login is spent before that.
    const { refreshToken: _refused, ...rest } = pair;
    return this.#keep(rest, pair);
  }

  /**
   * Damoov refuses both tokens of a pair that had time left and that the fleet did not replace. If the stored pair is another one, our
   * own renewal ended this pair; a changed password ends one session, and the next login fails.
   */
  async #reportRevoked(pair: TokenPair, stored: TokenPair | undefined): Promise<void> {
    const { budget, now } = this.#options;
    const isStored = stored?.accessToken === pair.accessToken;
    if (!isStored || pair.accessToken !== this.#rejectedToken || isDue(pair, now())) return;
    // A login is needed even if this cannot be stored.
    await budget.revoked?.().catch(() => {});
  }

  /** In memory first: a pair that cannot be stored is not lost while this process lives. */
  async #keep(pair: TokenPair, over?: TokenPair): Promise<TokenPair> {
    this.#current = pair;
    await this.#options.store.save(pair, over);
    return pair;
  }

  #isGood(pair: TokenPair | undefined): pair is TokenPair {
    return (
      pair !== undefined && pair.accessToken !== this.#rejectedToken && this.#options.now() < pair.expiresAt
    );
  }

  #isFresh(pair: TokenPair | undefined): pair is TokenPair {
    return this.#isGood(pair) && !isDue(pair, this.#options.now());
  }

  /** The stored pair, unless this process has a newer one: a store may have lost its latest value. */
  #better(stored: TokenPair | undefined): TokenPair | undefined {
    const current = this.#current;
    if (stored === undefined || current === undefined) return stored ?? current;
    if (current.accessToken === stored.accessToken || current.obtainedAt <= stored.obtainedAt) return stored;
    return this.#isFresh(stored) ? stored : current;
  }
}

/**
 * Due when less than a tenth of its life or five minutes remain, whichever is smaller. A pair that only a login can replace is used to
 * its end.
 */
function isDue({ refreshToken, obtainedAt, expiresAt }: TokenPair, nowMs: number): boolean {
  if (refreshToken === undefined) return expiresAt <= nowMs;
  return expiresAt - nowMs <= Math.min((expiresAt - obtainedAt) / 10, 5 * minuteMs);
}

/**
 * The sources contradict each other about the answer to an invalid refresh token (401, 400, or an envelope of 419): any 4xx counts. So
 * does a success with no Result: waiting for it to change might never end.
 */
function isRefreshRefused(error: unknown): boolean {
  return error instanceof DamoovError && (isRefusal(error) || error.kind === 'no-result');
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
