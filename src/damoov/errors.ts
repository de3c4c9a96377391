/**
 * Every way in which a call to Damoov can fail, as one closed set of kinds. An error holds no value of a user and no credential.
 */

/** The kind of failure. The comment on each kind says when it is used and whether the answer settles the call. */
export type DamoovErrorKind =
  /** No answer within the deadline, or HTTP 408. */
  | 'timeout'
  /** The connection could not be made, or broke before the answer was complete. */
  | 'network'
  /** The caller's signal fired, or the client was closed. */
  | 'aborted'
  /** 429 to anything but a login. */
  | 'rate-limited'
  /** 5xx; or a redirect or a page that is not Damoov's own, whatever its status. */
  | 'server'
  /** 401: on an admin call this is the second one, after a renewed session. */
  | 'unauthorized'
  /** 403. */
  | 'forbidden'
  /** 404. */
  | 'not-found'
  /** 404 to a create or a login, and to a request that Damoov answers with 401: there is no such API at the base URL. */
  | 'wrong-base-url'
  /** 409. */
  | 'conflict'
  /** 400, 422, any other 4xx; without a status: the request could not be written as HTTP and was never sent. */
  | 'rejected'
  /** 2xx, but no JSON, too large, or not of the expected shape. */
  | 'malformed'
  /** A well-formed 2xx envelope whose required Result is missing or null. A wrong InstanceKey may look like this. */
  | 'no-result'
  /** The call needs an admin session, and the client was given no admin credentials. */
  | 'no-admin'
  /** The login was answered with a 4xx other than 429: these credentials do not work. */
  | 'login-refused'
  /** The login was answered with 429, or the login budget is spent: no login is allowed for `retryAfterMs`. */
  | 'login-barred';

/** The request that failed. `login` and `refresh` may fail within an update, a deletion, a find or a page. */
export type DamoovOperation = 'create' | 'update' | 'delete' | 'move' | 'find' | 'page' | 'login' | 'refresh';

/** One entry of the `Errors[]` of Damoov's envelope (documented); words that are not on the list of harmless ones are replaced by `…`. */
export interface DamoovFault {
  readonly key: string;
  readonly message: string;
}

/** The fields of a DamoovError. */
export interface DamoovErrorDetails {
  readonly kind: DamoovErrorKind;
  readonly operation: DamoovOperation;
  /** The user: an id or a neutral phrase. Never a name, email, phone, key or token. */
  readonly subject?: string | undefined;
  /** Replaces the kind's usual wording in the message. */
  readonly reason?: string | undefined;
  /** Host, port and path of the base URL. Set only if there was no answer, or a wrong one. */
  readonly place?: string | undefined;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly errors?: readonly DamoovFault[] | undefined;
  readonly wasSent: boolean;
  readonly cause?: unknown;
}

/**
 * The only error that this client throws for a valid call (an invalid one, such as a find without a criterion, throws a TypeError). It is
 * safe to log.
 */
export class DamoovError extends Error {
  override readonly name = 'DamoovError';
  readonly kind: DamoovErrorKind;
  readonly operation: DamoovOperation;
  /** HTTP status, or the envelope's Status if that counted. Absent without an answer. */
  declare readonly status?: number;
  /** Host, port and path of the base URL, if that may be the fault. */
  declare readonly place?: string;
  /** Minimum wait in milliseconds: from Retry-After, the login budget, or a recent failed login. */
  declare readonly retryAfterMs?: number;
  /** Damoov's own Errors[], reduced to harmless words. */
  readonly errors: readonly DamoovFault[];
  /** Whether part of the request may have left this process. */
  readonly wasSent: boolean;
  /**
   * Whether the create, update or deletion may have taken effect in spite of this error: it was sent, and not answered with a definite
   * 3xx or 4xx. Always false for a find or a page, and for a login or refresh: then the call itself was not sent, or was answered with
   * 401.
   */
  readonly mayHaveBeenApplied: boolean;

  constructor(details: DamoovErrorDetails) {
    // A message cut within a surrogate pair is not valid Unicode.
    super(
      describe(details).toWellFormed(),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.kind = details.kind;
    this.operation = details.operation;
    if (details.status !== undefined) this.status = details.status;
    if (details.place !== undefined) this.place = details.place;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    this.errors = details.errors ?? [];
    this.wasSent = details.wasSent;
    this.mayHaveBeenApplied = mayHaveBeenApplied(details);
  }
}

const writes: ReadonlySet<DamoovOperation> = new Set(['create', 'update', 'delete', 'move']);
const undecided: ReadonlySet<DamoovErrorKind> = new Set([
  'timeout',
  'network',
  'aborted',
  'server',
  'malformed',
  'no-result',
]);

function mayHaveBeenApplied({ operation, kind, wasSent }: DamoovErrorDetails): boolean {
  return writes.has(operation) && wasSent && undecided.has(kind);
}

const wording: Readonly<Record<DamoovErrorKind, string>> = {
  timeout: 'timed out',
  network: 'failed on the network',
  aborted: 'was aborted',
  'rate-limited': 'was rate-limited',
  server: 'met an error of the server',
  unauthorized: 'was not authorized',
  forbidden: 'was forbidden',
  'not-found': 'found no such user',
  'wrong-base-url': 'found no such API',
  conflict: 'met a conflict',
  rejected: 'was rejected',
  malformed: 'got an unreadable answer',
  'no-result': 'got an answer without a result',
  'no-admin': 'needs admin credentials, but none are configured',
  'login-refused': 'was refused: the admin credentials do not work',
  'login-barred': 'is barred for now',
};

function describe({
  kind,
  operation,
  subject,
  reason,
  place,
  status,
  cause,
  errors = [],
}: DamoovErrorDetails): string {
  const user = subject === undefined ? '' : ` of ${subject}`;
  const where = place === undefined ? '' : ` at ${place}`;
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  const answer = status === undefined ? code : ` (status ${status})`;
  const faults = errors.map(({ key, message }) => (key === '' ? message : `${key}: ${message}`)).join('; ');
  return `Damoov ${operation}${user} ${reason ?? wording[kind]}${where}${answer}${faults === '' ? '' : `: ${faults}`}`;
}
