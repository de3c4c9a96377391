/** Finds a user with the Damoov client alone: no queue, no Redis. */
import { DamoovClient } from 'damoov-user-lifecycle/damoov';

const damoov = new DamoovClient({
  baseUrl: process.env.DAMOOV_BASE_URL ?? 'https://user.telematicssdk.com',
  admin: { email: process.env.DAMOOV_ADMIN_EMAIL ?? '', password: process.env.DAMOOV_ADMIN_PASSWORD ?? '' },
});
const [user] = await damoov.findUsers({ clientId: 'customer-4711' });
console.log(user?.userId);
await damoov.close();
