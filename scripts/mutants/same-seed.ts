/**
 * Gives property tests the same inputs in each run. Otherwise the same mutant would survive one run and not the next.
 */
import { configureGlobal, readConfigureGlobal } from 'fast-check';

configureGlobal({ ...readConfigureGlobal(), seed: 1 });
