/**
 * The users of one probe: created here with random ids or this run's mark. Requests about any other user are an error.
 */
import { randomUUID } from 'node:crypto';
import type { DamoovInstance } from '../../damoov/calls.ts';
import type { DamoovClient, PlainRequest } from '../../damoov/client.ts';
import { field, readText } from '../../damoov/envelope.ts';
import { DamoovError, type DamoovOperation } from '../../damoov/errors.ts';
import type { HttpAnswer } from '../../damoov/exchange.ts';
import type { TokenPair } from '../../damoov/session-store.ts';
import type { UserChanges } from '../../damoov/user-fields.ts';
import { type NewUser, type UserQuery, createBody } from '../../damoov/wire.ts';
import {
  LookUpFailed,
  type Observation,
  type SeenUser,
  answerText,
  isSuccess,
  observe,
  readSeenUsers,
} from './observation.ts';

export interface OwnUsersOptions {
  client: Pick<
    DamoovClient,
    'request' | 'updateUser' | 'deleteUser' | 'moveUser' | 'loginUser' | 'findUsers'
  >;
  instance: DamoovInstance;
  clock: ProbeClock;
  signal: AbortSignal;
}

export interface ProbeClock {
  now: () => number;
  /** Resolves after this time; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Creation extends Observation {
  /** As Damoov wrote it; undefined if no user was created. */
  readonly token: string | undefined;
}

export interface Sight {
  /** From the call to the start of the look-up that showed it. */
  readonly afterMs: number;
  readonly users: readonly SeenUser[];
}

/** What remains at Damoov after a probe. */
export interface Leftovers {
  /** The last name of every user of the run. */
  readonly mark: string;
  /** Users of ours that could not be deleted, are still visible, or could not be proved ours. */
  readonly userIds: readonly string[];
  /** A create got no answer, and no look-up shows its result: search for the mark. */
  readonly isInDoubt: boolean;
}

/** Delay between two look-ups for the same user, in milliseconds: it grows by half up to the last. */
const LOOK_MS = { first: 100, last: 2000 } as const;
const RATE_LIMITED_TRIES = 5;

export class OwnUsers {
  /** The last name of every user of this run, and of no other user. */
  readonly mark = `probe-${randomUUID()}`;
  readonly #options: OwnUsersOptions;
  #signal: AbortSignal;
  /** Random ids of this run: a user with one of them is ours. */
  readonly #chosen = new Set<string>();
  /** Ids that Damoov answered, or that a look-up showed with our mark. */
  readonly #answered = new Set<string>();
  readonly #marked = new Set<string>();
  /** Users that may exist. */
  readonly #present = new Set<string>();
  /** By user: the other instance that it may be in, until a look-up shows the user there. */
  readonly #moved = new Map<string, string>();
  #creates = 0;
  #unanswered = 0;

  constructor(options: OwnUsersOptions) {
    this.#options = options;
    this.#signal = options.signal;
  }

  /** An unused id. In mixed case, so that an echo shows how Damoov changes it. */
  choose(): string {
    const id = randomUUID();
    this.#chosen.add(id);
    // Every second letter of a UUID; one without letters practically never occurs.
    let letters = 0;
    return id.replaceAll(/[a-f]/g, (letter) => ((letters += 1) % 2 === 1 ? letter.toUpperCase() : letter));
  }

  /** Sends a create for a user with our mark. */
  async create(user: NewUser, key = this.#options.instance.key): Promise<Creation> {
    this.#creates += 1;
    const chosen = user.customToken?.toLowerCase();
    if (chosen !== undefined && this.#chosen.has(chosen)) this.#present.add(chosen);
    const headers = { InstanceId: this.#options.instance.id, InstanceKey: key };
    const path = '/v1/Registration/create';
    const body = createBody({ ...user, lastName: this.mark });
    let observation: Observation;
    try {
      observation = await this.send({ operation: 'create', method: 'POST', path, headers, body });
    } catch (error) {
      if (!(error instanceof DamoovError) || error.mayHaveBeenApplied) this.#unanswered += 1;
      throw error;
    }
    const token = isSuccess(observation) ? readText(field(observation.result, 'DeviceToken')) : undefined;
    if (token !== undefined) this.#answered.add(token.toLowerCase());
    return { ...observation, token };
  }

  /** @throws Error for a user that is not of this run. */
  async update(userId: string, changes: UserChanges): Promise<Observation> {
    const id = this.#own(userId);
    return this.#ask('update', (onAnswer) =>
      this.#options.client.updateUser(id, changes, { signal: this.#signal, onAnswer }),
    );
  }

  /** @throws Error for a user that is not of this run. */
  async delete(userId: string): Promise<Observation> {
    const id = this.#own(userId);
    return this.#ask('delete', (onAnswer) =>
      this.#options.client.deleteUser(id, { signal: this.#signal, onAnswer }),
    );
  }

  /** @throws Error for a user that is not of this run. */
  async move(userId: string, to: DamoovInstance): Promise<Observation> {
    const id = this.#own(userId);
    this.#moved.set(id, to.id.toLowerCase());
    return this.#ask('move', (onAnswer) =>
      this.#options.client.moveUser(id, to, { signal: this.#signal, onAnswer }),
    );
  }

  /**
   * Logs a user of this run in, from the login budget; never repeated.
   * @throws DamoovError
   * @throws Error for a user that is not of this run.
   */
  async logIn(userId: string): Promise<TokenPair> {
    const { client, instance } = this.#options;
    return client.loginUser(instance, this.#own(userId), { signal: this.#signal });
  }

  /** Sends a request without the admin's session: it can touch no other user. */
  async send(request: PlainRequest): Promise<Observation> {
    return this.#ask(request.operation, (onAnswer) =>
      this.#options.client.request(request, { signal: this.#signal, onAnswer }),
    );
  }

  /**
   * Looks up any user: a look-up changes none.
   * @throws LookUpFailed
   */
  async find(query: UserQuery): Promise<readonly SeenUser[]> {
    const users = await this.#find({ includeInactive: true, includeAccountInfo: true, ...query });
    for (const { lastName, userId, instanceId } of users) {
      if (lastName !== this.mark) continue;
      this.#marked.add(userId);
      this.#present.add(userId);
      if (readText(instanceId)?.toLowerCase() === this.#moved.get(userId)) this.#moved.delete(userId);
    }
    // Damoov does not document how strictly it compares.
    const id = query.deviceToken?.toLowerCase();
    return id === undefined ? users : users.filter(({ userId }) => userId === id);
  }

  /** Repeats the look-up until it is as expected; undefined if that takes too long. */
  async lookUntil(
    query: UserQuery,
    isExpected: (users: readonly SeenUser[]) => boolean,
    withinMs: number,
  ): Promise<Sight | undefined> {
    const { now, pause } = this.#options.clock;
    const from = now();
    for (let waitMs: number = LOOK_MS.first; ; waitMs = Math.min(waitMs * 1.5, LOOK_MS.last)) {
      const afterMs = Math.round(now() - from);
      const users = await this.find(query);
      if (isExpected(users)) return { afterMs, users };
      if (now() - from >= withinMs) return undefined;
      await pause(waitMs, this.#signal);
    }
  }

  async pause(ms: number): Promise<void> {
    await this.#options.clock.pause(ms, this.#signal);
  }

  /**
   * Deletes every user of this run, known or found by its mark, and checks that it is gone.
   * @param signal ends the clean-up; the signal that aborted the run does not.
   * @param withinMs how long a user may take to appear, and to vanish.
   */
  async removeAll(signal: AbortSignal, withinMs: number): Promise<Leftovers> {
    this.#signal = signal;
    const goOn = (error: unknown): undefined => {
      if (signal.aborted) throw error;
    };
    const areDistinguished = () => !this.#isInDoubt && this.#unproved.length === 0;
    await this.lookUntil({ lastName: this.mark }, areDistinguished, withinMs).catch(goOn);
    // A look-up by the id may show the mark of a user that no look-up by the mark shows.
    for (const id of this.#unproved) await this.find({ deviceToken: id }).catch(goOn);
    for (const id of this.#present) {
      const deleted = await this.delete(id).catch(goOn);
      const gone = await this.lookUntil({ deviceToken: id }, isEmpty, withinMs).catch(goOn);
      // A look-up shows whether the user is gone. Only a moved user may be out of its sight.
      const isProved = !this.#moved.has(id) || (deleted && isSuccess(deleted) && deleted.result !== null);
      if (gone !== undefined && isProved) this.#present.delete(id);
    }
    const unproved: string[] = [];
    for (const id of this.#unproved) {
      const users = await this.find({ deviceToken: id }).catch(goOn);
      if (users === undefined || !isEmpty(users)) unproved.push(id);
    }
    return { mark: this.mark, userIds: [...this.#present, ...unproved], isInDoubt: this.#isInDoubt };
  }

  get hasCreated(): boolean {
    return this.#creates > 0;
  }

  /** The users to report if the clean-up cannot go on. */
  get mayBeLeft(): readonly string[] {
    return [...this.#present, ...this.#unproved];
  }

  /** A create got no answer, and no look-up showed a user that it may have created. */
  get #isInDoubt(): boolean {
    const unknown = [...this.#marked].filter((id) => !this.#answered.has(id));
    return this.#unanswered > unknown.length;
  }

  /** Answered by Damoov, but neither chosen here nor seen with our mark. */
  get #unproved(): string[] {
    return [...this.#answered].filter((id) => !this.#chosen.has(id) && !this.#marked.has(id));
  }

  #own(userId: string): string {
    const id = userId.toLowerCase();
    if (this.#chosen.has(id) || this.#marked.has(id)) return id;
    throw new Error('this user is not one of the probe’s');
  }

  async #find(query: UserQuery): Promise<readonly SeenUser[]> {
    try {
      const observation = await this.#ask('find', (onAnswer) =>
        this.#options.client.findUsers(query, { signal: this.#signal, onAnswer }),
      );
      const users = isSuccess(observation) ? readSeenUsers(observation.result) : undefined;
      if (users !== undefined) return users;
      throw new LookUpFailed(`a look-up was answered ${answerText(observation)}`);
    } catch (error) {
      const isLookUp = error instanceof DamoovError && error.operation === 'find' && error.kind !== 'aborted';
      throw isLookUp ? new LookUpFailed(error.message, { cause: error }) : error;
    }
  }

  async #ask(
    operation: DamoovOperation,
    call: (onAnswer: (answer: HttpAnswer) => void) => Promise<unknown>,
  ): Promise<Observation> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await observe(operation, call);
      } catch (error) {
        const isLimited = error instanceof DamoovError && error.kind === 'rate-limited';
        if (!isLimited || tries === RATE_LIMITED_TRIES) throw error;
        // A request answered with 429 was not carried out.
        await this.pause(error.retryAfterMs ?? 1000);
      }
    }
  }
}

function isEmpty(users: readonly SeenUser[]): boolean {
  return users.length === 0;
}
