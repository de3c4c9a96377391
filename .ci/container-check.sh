#!/usr/bin/env bash
# Builds the image, starts the whole composition and sends one job through it from outside; then looks at how large the image is,
# what its containers may do, and how soon one is up. Needs a Docker engine and node_modules. Leaves only the image behind,
# however it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/node_modules/.bin:$PATH" # the repository's own Node: the host's may be too old for BullMQ

# Ports of the engine's choice, and no .env: the check disturbs nobody and depends on nobody.
export REDIS_PORT=0 SANDBOX_PORT=0 WORKER_PORTS=0
project=damoov-check-$$
image=damoov-user-lifecycle
compose() { docker compose --env-file /dev/null --project-name "$project" "$@"; }
tear_down() {
  local status=$?
  [ "$status" = 0 ] || compose logs --no-color --tail 100 >&2 || true
  docker rm --force "$project-start" >/dev/null 2>&1 || true
  compose down --volumes --timeout 5 >/dev/null 2>&1 || true
  exit "$status"
}
trap tear_down EXIT
fail() { echo "container check: $*" >&2; exit 1; }

compose build

# --- its size ---------------------------------------------------------------------------------------------------
most_mb=200
base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' Dockerfile | tail -n 1)
docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base" # a builder may keep it to itself
mb_of() { echo $(($(docker image inspect --format '{{.Size}}' "$1") / 1000000)); }
added_mb=$(($(mb_of "$image") - $(mb_of "$base")))
echo "size: $base $(mb_of "$base") MB, $image $(mb_of "$image") MB, difference $added_mb MB (at most $most_mb)"
[ "$added_mb" -le "$most_mb" ] || fail "the image adds $added_mb MB to its base, more than $most_mb"

# --- it works ---------------------------------------------------------------------------------------------------
compose up --wait --wait-timeout 120
mapfile -t workers < <(compose ps --quiet worker)
[ "${#workers[@]}" = 2 ] || fail "there are ${#workers[@]} workers instead of 2"

REDIS_ADDRESS=$(compose port redis 6379) SANDBOX_ADDRESS=$(compose port sandbox 7700) \
  HTTP_ADDRESSES="$(compose port --index 1 worker 3000) $(compose port --index 2 worker 3000)" \
  timeout 90 node .ci/one-job.mjs

# --- what they may do -------------------------------------------------------------------------------------------
for container in "${workers[@]}" "$(compose ps --quiet sandbox)"; do
  granted=$(docker inspect --format \
    '{{.Config.User}} {{json .HostConfig.CapDrop}} {{json .HostConfig.CapAdd}} {{json .HostConfig.SecurityOpt}}' "$container")
  [ "$granted" = 'node ["ALL"] null ["no-new-privileges:true"]' ] || fail "a container is granted $granted"
  granted=$(docker inspect --format \
    '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Init}} {{.HostConfig.Privileged}} {{len .Mounts}}' "$container")
  [ "$granted" = 'true true false 0' ] || fail "read-only, init, privileged, mounts of a container: $granted"
  docker exec --interactive "$container" node --input-type=module - <.ci/confined.mjs
done

# --- how soon it is up ------------------------------------------------------------------------------------------
NETWORK="${project}_default" IMAGE=$image NAME="$project-start" node .ci/start-time.mjs

# --- how it stops -----------------------------------------------------------------------------------------------
compose stop worker
for worker in "${workers[@]}"; do
  status=$(docker inspect --format '{{.State.ExitCode}}' "$worker")
  [ "$status" = 0 ] || fail "a worker was told to stop and exited with $status"
done
echo 'stopped: both workers with status 0'
