import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function jobListPage({ actions }: Slots = {}): Page {
  return { title: 'Jobs', section: 'jobs', actions, body: html`` };
}
