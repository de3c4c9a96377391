/**
 * Several workers in one process, for tests that need more of them than a machine has room for processes. It ends with its
 * parent.
 */
import { startApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/ops/log.ts';

process.once('disconnect', () => process.exit(1));
const log = await createLog('error', false);
const workers = Number(process.argv[2]);
await Promise.all(Array.from({ length: workers }, () => startApp(loadConfig(), log)));
process.send?.('ready');
