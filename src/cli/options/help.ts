/**
 * The examples in a command's help.
 */

/**
 * For `addHelpText('after', …)`.
 * @param calls without the program's name.
 */
export function examples(...calls: string[]): string {
  return ['\nExamples:', ...calls.map((call) => `  $ damoov-users ${call}`)].join('\n');
}
