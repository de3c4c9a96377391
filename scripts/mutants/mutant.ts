/**
 * A mutant is one edit of one source file. Its id stays the same while other lines of the file change.
 */

export interface Edit {
  operator: string;
  start: number;
  end: number;
  replacement: string;
  /** Offset in the line that identifies the mutant. */
  at: number;
  /** The innermost named function around it. Empty outside of functions. */
  inFunction: string;
}

/** Identifies a mutant in later versions of the file. */
export interface MutantId {
  file: string;
  inFunction: string;
  operator: string;
  /** The text of the line, without its indentation. */
  source: string;
  /** Counts mutants whose other fields are equal, from 0. */
  index: number;
}

export interface Mutant extends MutantId {
  line: number;
  start: number;
  end: number;
  replacement: string;
}

/** The mutants of a file in the order of its lines. Edits with the same result are one mutant. */
export function toMutants(file: string, text: string, edits: readonly Edit[]): Mutant[] {
  const seen = new Set([text]);
  const counts = new Map<string, number>();
  return edits
    .toSorted((a, b) => a.at - b.at || a.start - b.start)
    .flatMap(({ at, ...edit }) => {
      const result = applyTo(text, edit);
      if (seen.has(result)) return [];
      seen.add(result);
      const { operator, inFunction } = edit;
      const id = { file, inFunction, operator, source: linesAround(text, at, at).trim() };
      const index = counts.get(JSON.stringify(id)) ?? 0;
      counts.set(JSON.stringify(id), index + 1);
      return [{ ...edit, ...id, index, line: text.slice(0, at).split('\n').length }];
    });
}

export function applyTo(
  text: string,
  { start, end, replacement }: Pick<Edit, 'start' | 'end' | 'replacement'>,
): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

export function idOf({ file, inFunction, operator, source, index }: MutantId): MutantId {
  return { file, inFunction, operator, source, index };
}

export function keyOf(id: MutantId): string {
  return JSON.stringify(idOf(id));
}

/** The changed lines before and after, each on one line of at most 120 characters. */
export function difference(text: string, mutant: Mutant): { before: string; after: string } {
  const { start, end, replacement } = mutant;
  return {
    before: shown(linesAround(text, start, end)),
    after: shown(linesAround(applyTo(text, mutant), start, start + replacement.length)),
  };
}

function shown(lines: string): string {
  const line = lines.replaceAll(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

function linesAround(text: string, start: number, end: number): string {
  const to = text.indexOf('\n', end);
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, to < 0 ? undefined : to);
}
