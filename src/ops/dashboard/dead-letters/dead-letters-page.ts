import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function deadLettersPage({ actions }: Slots = {}): Page {
  return { title: 'Dead letters', section: 'dead-letters', actions, body: html`` };
}
