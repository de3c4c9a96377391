/**
 * A probe that cannot go on: nothing is wrong with how it was called, and no facts come of it.
 */

/** The message says what Damoov did, and no data of anybody. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
}
