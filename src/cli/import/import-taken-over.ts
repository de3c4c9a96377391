/**
 * The import is at another place than this run assumed: Redis lost the latest changes, or another run took over.
 */
import type { Moved, Over } from '../../store/imports/import-states.ts';

export class ImportTakenOver extends Error {
  override readonly name = 'ImportTakenOver';
  /** Whether this run may continue the import. */
  readonly isOurs: boolean;

  constructor(answer: Moved | Over) {
    super('another run of this import has taken over');
    this.isOurs = answer.is === 'moved' || answer.isLost;
  }
}
