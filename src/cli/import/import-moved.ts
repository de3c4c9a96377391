/**
 * The import is not where this run took it to be: a Redis that came back has lost what came last, or another run goes on with it.
 */
import type { Moved, Over } from '../../store/imports/import-states.ts';

export class ImportMoved extends Error {
  override readonly name = 'ImportMoved';
  /** Whether this run may take the import up again. */
  readonly isOurs: boolean;

  constructor(answer: Moved | Over) {
    super('another run of this import has taken over');
    this.isOurs = answer.is === 'moved' || answer.isLost;
  }
}
