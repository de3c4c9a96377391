/**
 * The configuration of a world without the tenth of a second that makes each secret hard to guess: half of what a small test
 * takes. Workers and commands in it recognise each other; one that runs as a process of the product has the full work.
 */
import { type Config, loadConfig } from '../../src/config/config.ts';

export function cheapConfig(env?: Record<string, string | undefined>): Config {
  return { ...loadConfig(env), keyWork: 2 };
}
