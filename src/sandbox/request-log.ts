/**
 * Every API request in order of arrival, for tests that check what a client did.
 */
export type Operation =
  | 'create'
  | 'login'
  | 'refresh'
  | 'find'
  | 'update'
  | 'delete'
  | 'page'
  | 'count'
  | 'move'
  /** With a user's own JWT: reads that user, joins another instance, uploads a picture. */
  | 'read'
  | 'join'
  | 'upload'
  | 'unknown';

/** One request. An endpoint adds its user and whether it changed something. */
export interface Call {
  /** 1, 2, 3… in the order of arrival. */
  readonly seq: number;
  /** When the head of the request arrived, in epoch milliseconds. */
  readonly at: number;
  readonly operation: Operation;
  deviceToken: string | null;
  clientId: string | null;
  /** The HTTP status that was sent; null: the answer is pending, was dropped, or the caller hung up. */
  status: number | null;
  /** Whether it changed something: wrote a user, issued a token. */
  applied: boolean;
  /** When the answer was sent or the socket closed; null: still pending. */
  endedAt: number | null;
  /**
   * The highest seq at that moment. Two requests overlapped exactly if the later one's seq is not greater than the earlier one's
   * endedAfterSeq: times have only milliseconds.
   */
  endedAfterSeq: number | null;
}

/** Number of requests by operation, whatever their answer. */
export type Counts = Record<'create' | 'update' | 'delete' | 'find' | 'login' | 'refresh', number>;

export class RequestLog {
  // Unbounded: a log with gaps proves nothing, and a reset empties it.
  #calls: Call[] = [];

  open(operation: Operation, at: number): Call {
    const call: Call = {
      seq: this.#calls.length + 1,
      at,
      operation,
      deviceToken: null,
      clientId: null,
      status: null,
      applied: false,
      endedAt: null,
      endedAfterSeq: null,
    };
    this.#calls.push(call);
    return call;
  }

  close(call: Call, status: number | null, at: number): void {
    call.status = status;
    call.endedAt = at;
    call.endedAfterSeq = this.#calls.length;
  }

  get calls(): readonly Call[] {
    return this.#calls;
  }

  get counts(): Counts {
    const counts: Counts = { create: 0, update: 0, delete: 0, find: 0, login: 0, refresh: 0 };
    for (const { operation } of this.#calls) {
      if (isCounted(operation, counts)) counts[operation] += 1;
    }
    return counts;
  }

  clear(): void {
    this.#calls = [];
  }
}

function isCounted(operation: Operation, counts: Counts): operation is keyof Counts {
  return operation in counts;
}
