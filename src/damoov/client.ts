/**
 * The client of the Damoov user API: which requests need the admin's session, and what their answers mean. It never waits, logs, or repeats a write by itself.
 */
import { z } from 'zod';
import {
  type DamoovInstance,
  createCall,
  deleteCall,
  findCall,
  moveCall,
  pageCall,
  requireUserId,
  updateCall,
} from './calls.ts';
import { Ms, checkedOptions } from './checked-options.ts';
import { type DamoovClientOptions, Options } from './client-options.ts';
import { DamoovError } from './errors.ts';
import type { HttpAnswer } from './exchange.ts';
import { type GuardedTransport, guarded } from './guarded-transport.ts';
import { type LoginBudget, inMemoryLoginBudget } from './login-budget.ts';
import { logUserIn, refreshTokens } from './login.ts';
import { type TokenPair, inMemorySessionStore } from './session-store.ts';
import { AdminSession } from './session.ts';
import { withTraffic } from './traffic.ts';
import { type Call, type Reply, failure, openTransport } from './transport.ts';
import type { UserChanges } from './user-fields.ts';
import {
  type Acknowledgement,
  type CreatedUser,
  type DamoovUser,
  type NewUser,
  type PageQuery,
  type UserFilter,
  type UserPage,
  type UserQuery,
  readCreatedUser,
  readPage,
  readUsers,
  sameUserId,
} from './wire.ts';

/** The tokens of a pair, for a refresh. */
export type UserTokens = Required<Pick<TokenPair, 'accessToken' | 'refreshToken'>>;

const CloseOptions = z.strictObject({ graceMs: Ms.default(5000) });

export interface CallOptions {
  /** Ends the wait for the answer; a write that was sent may still be applied (`mayHaveBeenApplied`). */
  readonly signal?: AbortSignal | undefined;
  /** Called just before the first byte of the request, after any login it had to wait for; false ends the call as `aborted`, unsent. */
  readonly maySend?: (() => boolean) | undefined;
  /** Called with every raw answer to this call; it may contain tokens and personal data. */
  readonly onAnswer?: ((answer: HttpAnswer) => void | Promise<void>) | undefined;
}

/** A documented request that has no method of the client. */
export type PlainRequest = Pick<Call, 'operation' | 'method' | 'path' | 'headers' | 'body'>;

/**
 * A client of the Damoov user API.
 *
 * Every method throws a DamoovError if the call fails, and a TypeError for an invalid call. Only an admin request answered with 401 is
 * sent twice: once more, unchanged, with a renewed session.
 */
export class DamoovClient implements AsyncDisposable {
  readonly #transport: GuardedTransport;
  readonly #session: AdminSession | undefined;
  readonly #logins: { transport: GuardedTransport; budget: LoginBudget; now: () => number };
  #closing: Promise<void> | undefined;

  /** @throws TypeError for invalid options; nothing was sent to Damoov then. */
  constructor(options: DamoovClientOptions) {
    const { baseUrl, admin, timeoutMs, connections, traffic, now, sessionStore, loginBudget } =
      checkedOptions(Options, options);
    const transport = openTransport({ baseUrl, timeoutMs, connections, now });
    this.#transport = guarded(traffic === undefined ? transport : withTraffic(transport, traffic));
    const budget = loginBudget ?? inMemoryLoginBudget({ now });
    this.#logins = { transport: this.#transport, budget, now };
    if (admin === undefined) return;
    this.#session = new AdminSession({
      ...this.#logins,
      admin,
      store: sessionStore ?? inMemorySessionStore(),
    });
  }

  /** Whether admin credentials were given. Without them update, delete, find and page are `no-admin`. */
  get hasAdmin(): boolean {
    return this.#session !== undefined;
  }

  /**
   * Creates a user: `POST /v1/Registration/create`, authorized by the instance's id and key alone (documented). It is not
   * idempotent: only the device token is unique, and a repeated create makes a second user. A 401 is thrown, not repeated.
   *
   * @throws DamoovError: `no-result` may mean a wrong key; what a wrong id or key is answered with is not known.
   */
  async createUser(instance: DamoovInstance, user: NewUser, options: CallOptions = {}): Promise<CreatedUser> {
    const call = { ...createCall(instance, user), ...options };
    const { status, result } = await this.#transport.send(call);
    return readCreatedUser(status, result) ?? malformed(call, status);
  }

  /**
   * Changes some fields of a user: `PUT /v1/Management/users`, a partial merge; the user is named in the header
   * UserDeviceToken (documented). The content type is `application/json`, as the vendor's SDK sends it; the
   * documentation says `application/json-patch+json`.
   *
   * @throws DamoovError: an unknown user is `not-found` (documented).
   */
  async updateUser(
    userId: string,
    changes: UserChanges,
    options: CallOptions = {},
  ): Promise<Acknowledgement> {
    return acknowledge(await this.#asAdmin({ ...updateCall(userId, changes), ...options }));
  }

  /**
   * Deletes a user and all telematics data, irreversibly: `DELETE /v1/Management/users/{DeviceToken}` (documented). An
   * unknown or already deleted user is answered with 403, 404, or 200 and `Result: null` (inferred), and nothing of that
   * is hidden here: 403 may as well mean a lack of rights.
   *
   * @throws DamoovError
   */
  async deleteUser(userId: string, options: CallOptions = {}): Promise<Acknowledgement> {
    return acknowledge(await this.#asAdmin({ ...deleteCall(userId), ...options }));
  }

  /**
   * The users that match all criteria, an empty array if there are none: `GET /v1/Management/users/find` (documented).
   * Whether it sees a write at once is not known.
   *
   * @throws TypeError without a criterion or with a blank one: it might find everybody.
   * @throws DamoovError
   */
  async findUsers(query: UserQuery, options: CallOptions = {}): Promise<DamoovUser[]> {
    const call = { ...findCall(query), ...options };
    const { status, result } = await this.#asAdmin(call);
    return readUsers(result) ?? malformed(call, status);
  }

  /**
   * The user with this id, in any instance, also an inactive one; undefined if a look-up shows none.
   *
   * @throws DamoovError
   */
  async getUser(userId: string, options: CallOptions = {}): Promise<DamoovUser | undefined> {
    const query = { deviceToken: userId, includeInactive: true, includeAccountInfo: true };
    return (await this.findUsers(query, options)).find((user) => sameUserId(user.userId, userId));
  }

  /**
   * Moves a user to another instance: `POST /v1/Management/users/instances/change` (documented). The answer to a repeated move is unknown.
   *
   * @throws DamoovError
   */
  async moveUser(userId: string, to: DamoovInstance, options: CallOptions = {}): Promise<Acknowledgement> {
    return acknowledge(await this.#asAdmin({ ...moveCall(userId, to), ...options }));
  }

  /**
   * Logs a user in with its id and the key of its instance (documented), for a token pair of its own. Admins and users share one limit of
   * logins, so it uses the login budget.
   *
   * @throws DamoovError: `login-barred`, unsent, if the budget is used up.
   */
  async loginUser(
    instance: DamoovInstance,
    userId: string,
    { signal }: Pick<CallOptions, 'signal'> = {},
  ): Promise<TokenPair> {
    return logUserIn(this.#logins, instance, requireUserId(userId), signal);
  }

  /**
   * Replaces the token pair of a user; both tokens rotate. Refreshing is not limited (documented).
   *
   * @throws DamoovError
   */
  async refreshUser(pair: UserTokens, { signal }: Pick<CallOptions, 'signal'> = {}): Promise<TokenPair> {
    return refreshTokens(this.#logins, pair, signal);
  }

  /**
   * The number of users that a filter selects: the total of a page (documented).
   *
   * @throws DamoovError
   */
  async countUsers(filter: UserFilter = {}, options: CallOptions = {}): Promise<number> {
    const { totalUsers } = await this.page({ ...filter, pageNumber: 1, pageSize: 1 }, options);
    return totalUsers;
  }

  /**
   * One page of the users of some instances, the newest first: `POST /v1/Management/users/GetFilteredPage` (documented). It
   * reads and changes nothing. Pages are cut by position at the moment of each request: between two requests users move to
   * the next page where others are created, and to the one before where others are deleted.
   *
   * @throws TypeError for a number or a size that is not a positive integer.
   * @throws DamoovError: a page that is longer than 1 MiB is `malformed`.
   */
  async page(query: PageQuery, options: CallOptions = {}): Promise<UserPage> {
    const call = { ...pageCall(query), ...options };
    const { status, result } = await this.#asAdmin(call);
    return readPage(result) ?? malformed(call, status);
  }

  /**
   * Ensures an admin session; makes no request while the stored one is valid.
   *
   * @throws DamoovError: `no-admin`, `login-refused`, `login-barred`, or a failure of the refresh or login.
   */
  async ensureSession(options: CallOptions = {}): Promise<void> {
    const caller = { operation: 'login', signal: options.signal } as const;
    await this.#requireSession(caller).accessToken(caller);
  }

  /**
   * Sends a request unchanged, never with the admin's session: to learn how Damoov answers (`onAnswer`).
   * @throws DamoovError for everything that is not a 2xx in status and envelope.
   */
  async request(request: PlainRequest, options: CallOptions = {}): Promise<void> {
    await this.#transport.send({ ...request, needsResult: false, ...options });
  }

  /**
   * Lets active requests finish for `graceMs` (default 5,000), then ends them as `aborted`. Further calls are `aborted`.
   * @throws TypeError for an invalid `graceMs`.
   */
  async close(graceMs?: number): Promise<void> {
    const options = checkedOptions(CloseOptions, { graceMs });
    this.#closing ??= this.#transport.close(options.graceMs);
    return this.#closing;
  }

  /** `await using damoov = new DamoovClient(…)` closes it where its block ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #asAdmin(call: Call): Promise<Reply> {
    const session = this.#requireSession(call);
    const token = await session.accessToken(call);
    try {
      return await this.#transport.send(withToken(call, token));
    } catch (error) {
      if (!(error instanceof DamoovError) || error.kind !== 'unauthorized') throw error;
    }
    session.reject(token);
    return this.#transport.send(withToken(call, await session.accessToken(call)));
  }

  #requireSession(caller: Pick<Call, 'operation' | 'subject'>): AdminSession {
    if (this.#session === undefined) throw failure(caller, { kind: 'no-admin', wasSent: false });
    return this.#session;
  }
}

function withToken(call: Call, token: string): Call {
  return { ...call, headers: { ...call.headers, Authorization: `Bearer ${token}` } };
}

function acknowledge({ status, result }: Reply): Acknowledgement {
  return { status, hadResultNull: result === null };
}

function malformed(call: Call, status: number): never {
  throw failure(call, { kind: 'malformed', status, wasSent: true });
}
