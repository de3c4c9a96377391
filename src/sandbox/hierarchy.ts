/**
 * The levels above users: a company has applications, and an application has instances (documented). A sandbox has one company and one
 * application.
 */
export const COMPANY = { id: '33333333-3333-4333-8333-333333333333', name: 'Sandbox company' } as const;
export const APPLICATION = {
  id: '44444444-4444-4444-8444-444444444444',
  name: 'Sandbox application',
} as const;

export function instanceName(instanceId: string): string {
  return `Sandbox ${instanceId}`;
}
