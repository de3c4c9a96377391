#!/usr/bin/env bash
# Builds the image, starts the whole composition and sends one job through it from outside. Needs a Docker engine and
# node_modules. Leaves only the image behind, however it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH" # the repository's own Node: the host's may be too old for BullMQ

# Ports of the engine's choice, and no .env: the check disturbs nobody and depends on nobody.
export REDIS_PORT=0 SANDBOX_PORT=0 HTTP_PORT=0
compose() { docker compose --env-file /dev/null --project-name "damoov-check-$$" "$@"; }
tear_down() {
  local status=$?
  [ "$status" = 0 ] || compose logs --no-color --tail 100 >&2 || true
  compose down --volumes --timeout 5 >/dev/null 2>&1 || true
  exit "$status"
}
trap tear_down EXIT

compose build
compose up --wait --wait-timeout 120

REDIS_ADDRESS=$(compose port redis 6379) SANDBOX_ADDRESS=$(compose port sandbox 7700) \
  HTTP_ADDRESS=$(compose port worker 3000) timeout 90 node --input-type=module - <<'JS'
import assert from 'node:assert/strict';
import { Queue, Worker } from 'bullmq';

// A bare BullMQ client is all that a producer or a subscriber needs.
const { REDIS_ADDRESS, SANDBOX_ADDRESS, HTTP_ADDRESS } = process.env;
const { hostname: host, port } = new URL(`redis://${REDIS_ADDRESS}`);
const options = { prefix: '{damoov}', connection: { host, port: Number(port), maxRetriesPerRequest: null } };

const jobs = new Queue('user-jobs', options);
const job = await jobs.add('create-user', { clientId: 'compose-1', profile: { firstName: 'Ada' } });

const { promise: event, resolve } = Promise.withResolvers();
const subscriber = new Worker(
  'user-events',
  async ({ name, data }) => {
    if (data.data.jobId === job.id) resolve({ name, ...data.data });
  },
  options,
);
const late = setTimeout(() => {
  console.error(`no event for job ${job.id} within 60 s`);
  process.exit(1);
}, 60_000);
const { name, userId, clientId } = await event;
clearTimeout(late);
assert.equal(name, 'user.created');
assert.equal(clientId, 'compose-1');
await subscriber.close();
await jobs.close();

const { users } = await (await fetch(`http://${SANDBOX_ADDRESS}/_sandbox`)).json();
assert.deepEqual(users.map((user) => [user.deviceToken, user.clientId, user.firstName]), [[userId, 'compose-1', 'Ada']]);
for (const path of ['/livez', '/readyz']) assert.equal((await fetch(`http://${HTTP_ADDRESS}${path}`)).status, 200, path);
console.log(`created ${userId} through the containers`);
JS

worker=$(compose ps --quiet worker)
compose stop worker
status=$(docker inspect --format '{{.State.ExitCode}}' "$worker")
[ "$status" = 0 ] || { echo "the worker was told to stop and exited with $status" >&2; exit 1; }
docker images --format 'image {{.Repository}}: {{.Size}}' damoov-user-lifecycle
