/**
 * Installs the peers' libraries into bench/node_modules, as only the part that needs them does.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PartUnavailableError } from '../part.ts';

/** @throws PartUnavailableError */
export function installPeers(): void {
  const setup = join(import.meta.dirname, '../../scripts/setup.mjs');
  const { status } = spawnSync(process.execPath, [setup, 'bench'], { stdio: ['ignore', 2, 2] });
  if (status !== 0)
    throw new PartUnavailableError('The peers could not be installed: run `npm ci` in bench/.');
}
