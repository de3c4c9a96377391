/**
 * Builds the package where npm installs it from this repository, as a git dependency: such an install runs `prepare` alone. The
 * repository itself runs from its sources, and `npm pack` builds by itself: neither needs it.
 */
import { execSync } from 'node:child_process';

const NEEDS_NO_BUILD = new Set(['ci', 'pack', 'publish']);

if (!NEEDS_NO_BUILD.has(process.env.npm_command ?? '')) execSync('npm run -s build', { stdio: 'inherit' });
