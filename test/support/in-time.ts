/**
 * Has a wait that comes to nothing end with a word, and not with the end of its test's time.
 */
import { type RunnerTestCase, TestRunner, onTestFinished } from 'vitest';

/**
 * What the promise resolves to. After half of the time that the test has it rejects, and says what was waited for.
 * @param word what is known of it then.
 */
export async function inTime<T>(promise: Promise<T>, word: () => string | Promise<string>): Promise<T> {
  const patienceMs = (TestRunner.getCurrentTest<RunnerTestCase | undefined>()?.timeout ?? 120_000) / 2;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = async () => reject(new Error(`after ${patienceMs / 1000} s: ${await word()}`));
  const timer = setTimeout(() => void giveUp().catch(reject), patienceMs);
  onTestFinished(() => clearTimeout(timer));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
