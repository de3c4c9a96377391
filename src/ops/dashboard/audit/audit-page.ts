import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';

export function auditPage({ actions }: Slots = {}): Page {
  return { title: 'Audit log', section: 'audit', actions, body: html`` };
}
