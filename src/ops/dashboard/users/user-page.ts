import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function userPage({ actions }: Slots = {}): Page {
  return { title: 'User', actions, body: html`` };
}
