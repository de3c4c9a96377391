/**
 * In which form the service keeps a ClientId. Knows no user.
 */
import type { SandboxModes } from './modes.ts';

/** What is kept of a ClientId, and what a filter for it is compared as. */
export function keptClientId(clientId: string, form: SandboxModes['clientIdForm']): string {
  switch (form) {
    case 'exact':
      return clientId;
    case 'trim':
      return clientId.trim();
    case 'nfc':
      return clientId.normalize('NFC');
    case 'lower':
      return clientId.toLowerCase();
    default:
      return form satisfies never;
  }
}
