/**
 * The default credentials of a sandbox. They are public: no other service may use them.
 */
export const SANDBOX_CREDENTIALS = {
  instanceId: '11111111-1111-4111-8111-111111111111',
  instanceKey: '22222222-2222-4222-8222-222222222222',
  adminEmail: 'admin@sandbox.test',
  adminPassword: 'sandbox-password',
} as const;
