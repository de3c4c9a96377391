import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { GROUPS, commandLine } from '../../src/cli/command-line.ts';
import { processContext } from '../../src/cli/common/command-context.ts';
import { runCommand, runProcess } from '../support/run-command.ts';

/** They have no result: they run until they are stopped. */
const WITHOUT_RESULT = ['worker', 'sandbox'];

const program = commandLine('1.2.3', () => {}, processContext);

/** Those that carry something out, by their whole names. */
function commandsOf(command: Command, name: string): [string, Command][] {
  return command.commands
    .filter((sub) => sub.name() !== 'help')
    .flatMap((sub): [string, Command][] => {
      const whole = `${name} ${sub.name()}`.trim();
      return sub.commands.length === 0 ? [[whole, sub]] : commandsOf(sub, whole);
    });
}

/** With the text after it. */
function helpOf(command: Command): string {
  let help = '';
  const whole = command.configureOutput({ writeOut: (text) => (help += text), getOutHasColors: () => false });
  whole.outputHelp();
  return help;
}

const commands = commandsOf(program, '');

describe('every command', () => {
  it.each(commands)(
    '`%s` says what it does, and has examples of itself that can be parsed',
    (name, command) => {
      expect(command.description()).not.toBe('');
      const [, examples = ''] = helpOf(command).split('\nExamples:\n');
      const calls = examples.split('\n').filter((line) => line.startsWith('  $ damoov-users '));
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.join('\n')).toContain(`damoov-users ${name}`);
      for (const call of calls) expect([call, unknownOptionsOf(call)]).toEqual([call, []]);
    },
  );

  it.each(commands.filter(([name]) => !WITHOUT_RESULT.includes(name)))(
    '`%s` prints its result as JSON, too',
    (_name, command) => {
      expect(command.options.map(({ long }) => long)).toContain('--json');
    },
  );

  it.each(commands)('`%s` says what each of its options is for', (_name, command) => {
    const silent = command.options.filter(({ description }) => description === '');
    expect(silent.map(({ long }) => long)).toEqual([]);
  });

  it('stands in one of the groups of the overview', () => {
    const groups: readonly string[] = Object.keys(GROUPS);
    for (const command of program.commands.filter((sub) => sub.name() !== 'help')) {
      expect([command.name(), groups.includes(command.helpGroup())]).toEqual([command.name(), true]);
    }
  });
});

/** Options in an example that its command does not have. */
function unknownOptionsOf(example: string): string[] {
  return example.split(' | ').flatMap((call) => {
    const [, words = ''] = /damoov-users (.*?)( #.*)?$/.exec(call) ?? [];
    const found = commands.find(([name]) => `${words} `.startsWith(`${name} `));
    const known = found?.[1].options.flatMap(({ long, short }) => [long, short]) ?? [];
    return words.split(' ').filter((word) => /^--?[a-z]/.test(word) && !known.includes(word));
  });
}

describe('docs/reference/commands.md', () => {
  it('names every command, in calls with options that there are', async () => {
    const content = await readFile('docs/reference/commands.md', 'utf8');
    const calls = content.split('\n').filter((line) => line.startsWith('damoov-users '));
    expect(calls.length).toBeGreaterThan(5);
    for (const call of calls) expect([call, unknownOptionsOf(call)]).toEqual([call, []]);
    for (const word of new Set(commands.flatMap(([name]) => name.split(' ')))) {
      expect(content).toMatch(new RegExp(`\`[a-z ]*\\b${word}\\b[^\`]*\``));
    }
  });
});

describe('the command line', () => {
  it('gives an overview by what somebody is up to, without colours where it is no terminal', async () => {
    const { status, stdout } = await runProcess(['--help'], {});
    expect(status).toBe(0);
    for (const group of Object.keys(GROUPS)) expect(stdout).toContain(`\n${group}\n`);
    expect(stdout).toContain('Exit status: 0 done, 1 failed, 2 bad usage');
    expect(stdout).not.toContain('\u001B');
  });

  // Also a container's health check starts as a command.
  it('loads no queue, no Redis and no HTTP before it knows the command', async () => {
    const program = `
      import { registerHooks } from 'node:module';
      const urls = [];
      registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
      process.on('exit', () => process.stderr.write(JSON.stringify(urls)));
      process.argv = [process.execPath, 'damoov-users', '--help'];
      await import('./src/main.ts');
    `;
    const { stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      program,
    ]);
    const urls = JSON.parse(stderr) as string[];
    const packages = urls.flatMap((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    expect([...new Set(packages)].sort()).toEqual(['commander', 'fastest-levenshtein', 'zod']);
  });

  it.each([
    ['a misspelt command', ['statu'], 'Did you mean status?'],
    ['a misspelt command of a command', ['deletions', 'lst'], 'Did you mean list?'],
    ['a misspelt option', ['status', '--wach'], 'Did you mean --watch?'],
    ['an option that there is not', ['status', '--colour'], "unknown option '--colour'"],
    ['no command', [], 'Usage: damoov-users'],
  ])('with %s helps, and exits with 2', async (_title, args, told) => {
    const { status, stdout, stderr } = await runCommand(args, {});
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(told),
    });
  });
});
