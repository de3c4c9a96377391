/** Every page of the documentation, by its path. */
import { readdir } from 'node:fs/promises';

export async function pages(): Promise<string[]> {
  const [top, below] = await Promise.all([readdir('.'), readdir('docs', { recursive: true })]);
  return [...top, ...below.map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'));
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
