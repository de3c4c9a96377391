import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function deletionsPage({ actions }: Slots = {}): Page {
  return { title: 'Deletions', section: 'deletions', actions, body: html`` };
}
