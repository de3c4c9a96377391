/**
 * Chooses the mutants of a run by path, by changed lines and by a random sample.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { luaEdits } from './lua-edits.ts';
import { type Mutant, keyOf, toMutants } from './mutant.ts';
import { typescriptEdits } from './typescript-edits.ts';

export interface Selection {
  /** Folders, files, or `file:line`. */
  paths: readonly string[];
  /** Only lines that differ from this revision. */
  changedSince?: string | undefined;
  /** The size of a random sample; it is the same for the same seed. */
  most?: number | undefined;
  seed: string;
}

export interface Selected {
  mutants: Mutant[];
  texts: ReadonlyMap<string, string>;
  /** All mutants of the files, chosen or not. */
  known: readonly Mutant[];
}

export function selectMutants(root: string, selection: Selection): Selected {
  const places = selection.paths.map((path) => placeOf(root, path));
  const files = [...new Set(places.flatMap(({ files }) => files))].sort();
  const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const known = [...texts].flatMap(([file, text]) => mutantsOf(file, text));
  const isChosen = ({ file, line }: Mutant) =>
    places.some((place) => place.files.includes(file) && (place.line ?? line) === line);
  const isChanged = changesSince(root, selection.changedSince, texts);
  const chosen = known.filter((mutant) => isChosen(mutant) && isChanged(mutant));
  return { mutants: drawn(chosen, selection), texts, known };
}

export function mutantsOf(file: string, text: string): Mutant[] {
  return toMutants(file, text, file.endsWith('.lua') ? luaEdits(text) : typescriptEdits(file, text));
}

/** @throws if there is no such file or folder. */
function placeOf(root: string, path: string): { files: string[]; line?: number } {
  const [, name = path, line] = /^(.*?)(?::(\d+))?$/.exec(path) ?? [];
  const place = relative(root, resolve(root, name));
  if (!existsSync(join(root, place))) throw new Error(`${name}: no such file or folder`);
  if (statSync(join(root, place)).isDirectory()) {
    const files = globSync('**/*.{ts,lua}', { cwd: join(root, place) });
    return { files: files.map((file) => join(place, file).replaceAll('\\', '/')) };
  }
  return line === undefined ? { files: [place] } : { files: [place], line: Number(line) };
}

function changesSince(
  root: string,
  revision: string | undefined,
  texts: ReadonlyMap<string, string>,
): (mutant: Mutant) => boolean {
  if (revision === undefined) return () => true;
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const changed = new Set<string>();
  let file = '';
  for (const line of git('diff', '-U0', '--no-color', '--no-prefix', revision, '--', 'src').split('\n')) {
    if (line.startsWith('+++ ')) file = line.slice(4);
    const [, from = 0, count = 1] = /^@@ \S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (line.startsWith('@@'))
      for (let at = 0; at < Number(count); at += 1) changed.add(`${file}:${Number(from) + at}`);
  }
  const added = new Set(git('ls-files', '--others', '--exclude-standard', '--', 'src').split('\n'));
  return ({ file, start, end }) => {
    const text = texts.get(file) ?? '';
    const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
    const [first, last] = [lineAt(start), lineAt(end)];
    const lines = Array.from({ length: last - first + 1 }, (_, at) => `${file}:${first + at}`);
    return added.has(file) || lines.some((line) => changed.has(line));
  };
}

/** Draws by a hash of the id: after an edit elsewhere the sample is the same. */
function drawn(mutants: Mutant[], { most, seed }: Selection): Mutant[] {
  if (most === undefined || mutants.length <= most) return mutants;
  const lot = (mutant: Mutant) =>
    createHash('sha256')
      .update(`${seed} ${keyOf(mutant)}`)
      .digest('hex');
  const lots = new Map(mutants.map((mutant) => [mutant, lot(mutant)]));
  const last = [...lots.values()].sort()[most - 1] ?? '';
  return mutants.filter((mutant) => (lots.get(mutant) ?? '') <= last);
}
