/**
 * The sandbox of the torture run, in a process of its own: it tells its address, and ends with its parent.
 */
import { flushCompileCache } from 'node:module';
import { startSandbox } from '../../src/sandbox/server.ts';
import { DEFAULT, OTHER } from '../support/instances.ts';

process.once('disconnect', () => process.exit(1));
const { url } = await startSandbox({ instances: [DEFAULT, OTHER] });
process.send?.(url);
// Else it is written on exit, and this process is killed.
flushCompileCache();
