/**
 * The requests of the Damoov user API, and which of them need the admin's session. It never waits, logs, or repeats a write by itself.
 */
import { z } from 'zod';
import { Ms, checkedOptions } from './checked-options.ts';
import { type DamoovClientOptions, Options } from './client-options.ts';
import { DamoovError } from './errors.ts';
import type { HttpAnswer } from './exchange.ts';
import { inMemoryLoginBudget } from './login-budget.ts';
import { inMemorySessionStore } from './session-store.ts';
import { AdminSession } from './session.ts';
import { withTraffic } from './traffic.ts';
import { failure, openTransport } from './transport.ts';
import type { Call, Reply } from './transport.ts';
import { guarded } from './guarded-transport.ts';
import type { GuardedTransport } from './guarded-transport.ts';
import { createBody, findQuery, pageBody, readCreatedUser, readPage, readUsers, updateBody } from './wire.ts';
import type {
  Acknowledgement,
  CreatedUser,
  DamoovUser,
  NewUser,
  PageQuery,
  UserChanges,
  UserPage,
  UserQuery,
} from './wire.ts';

/** One Damoov instance, a group of users. The key is a secret like the password of a database. */
export interface DamoovInstance {
  readonly id: string;
  readonly key: string;
}

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
  #closing: Promise<void> | undefined;

  /** @throws TypeError for invalid options; nothing was sent to Damoov then. */
  constructor(options: DamoovClientOptions) {
    const { baseUrl, admin, timeoutMs, connections, traffic, now, sessionStore, loginBudget } =
      checkedOptions(Options, options);
    const transport = openTransport({ baseUrl, timeoutMs, connections, now });
    this.#transport = guarded(traffic === undefined ? transport : withTraffic(transport, traffic));
    if (admin === undefined) return;
    this.#session = new AdminSession({
      admin,
      transport: this.#transport,
      store: sessionStore ?? inMemorySessionStore(),
      budget: loginBudget ?? inMemoryLoginBudget({ now }),
      now,
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
    const call: Call = {
      operation: 'create',
      subject: user.customToken ?? 'a user with no id yet',
      method: 'POST',
      path: '/v1/Registration/create',
      headers: { InstanceId: instance.id, InstanceKey: instance.key },
      body: createBody(user),
      needsResult: true,
      ...options,
    };
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
    const id = requireUserId(userId);
    const reply = await this.#asAdmin({
      operation: 'update',
      subject: id,
      method: 'PUT',
      path: '/v1/Management/users',
      headers: { UserDeviceToken: id },
      body: updateBody(changes),
      needsResult: false,
      ...options,
    });
    return acknowledge(reply);
  }

  /**
   * Deletes a user and all telematics data, irreversibly: `DELETE /v1/Management/users/{DeviceToken}` (documented). An
   * unknown or already deleted user is answered with 403, 404, or 200 and `Result: null` (inferred), and nothing of that
   * is hidden here: 403 may as well mean a lack of rights.
   *
   * @throws DamoovError
   */
  async deleteUser(userId: string, options: CallOptions = {}): Promise<Acknowledgement> {
    const id = requireUserId(userId);
    const reply = await this.#asAdmin({
      operation: 'delete',
      subject: id,
      method: 'DELETE',
      path: `/v1/Management/users/${id}`,
      needsResult: false,
      ...options,
    });
    return acknowledge(reply);
  }

  /**
   * The users that match all criteria, an empty array if there are none: `GET /v1/Management/users/find` (documented).
   * Whether it sees a write at once is not known.
   *
   * @throws TypeError without a criterion or with a blank one: it might find everybody.
   * @throws DamoovError
   */
  async findUsers(query: UserQuery, options: CallOptions = {}): Promise<DamoovUser[]> {
    const call: Call = {
      operation: 'find',
      subject: query.deviceToken,
      method: 'GET',
      path: `/v1/Management/users/find?${findQuery(query)}`,
      needsResult: true,
      ...options,
    };
    const { status, result } = await this.#asAdmin(call);
    return readUsers(result) ?? malformed(call, status);
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
    const call: Call = {
      operation: 'page',
      subject: `number ${query.pageNumber}`,
      method: 'POST',
      path: '/v1/Management/users/GetFilteredPage',
      body: pageBody(query),
      needsResult: true,
      ...options,
    };
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

/** An id becomes part of a path and a header. With a blank one a DELETE would hit all users; an email would end up in logs. */
function requireUserId(userId: string): string {
  const id = userId.trim();
  if (!/^[\w-]+$/.test(id)) throw new TypeError('a user id is made of letters, digits and hyphens');
  return id;
}
