/**
 * What Redis means by refusing a write, in one sentence and with what to do. Knows Redis' codes; what it says after them may quote a
 * command, and is never told.
 */

/** Redis answers, and does not do what it was asked for. */
export class RefusedWriteError extends Error {
  override readonly name = 'RefusedWriteError';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, options?: ErrorOptions) {
    super(`Redis refuses to write (${code}): ${MEANING[code]}`, options);
    this.code = code;
  }
}

export type RefusalCode = keyof typeof MEANING;
const MEANING = {
  OOM: 'its memory is full. Give it more (maxmemory), or let the workers catch up before more is added',
  READONLY: 'it is a replica. Point the configuration at the master',
  MISCONF: 'it cannot save what it holds. Look at its disk, and at its log',
  NOPERM: 'its user may not do that. Give the user the access that docs/redis.md lists for its role',
} as const;

/** Undefined where an error is something else. */
export function refusedWrite(error: unknown): RefusedWriteError | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  // Out of a script older servers put words of their own in front.
  const [code] = /\b(?:OOM|READONLY|MISCONF|NOPERM)\b/.exec(error.message) ?? [];
  return isRefusalCode(code) ? new RefusedWriteError(code, { cause: error }) : undefined;
}

function isRefusalCode(code: string | undefined): code is RefusalCode {
  return code !== undefined && code in MEANING;
}
