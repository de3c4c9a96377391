import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function jobPage({ actions }: Slots = {}): Page {
  return { title: 'Job', section: 'jobs', actions, body: html`` };
}
