// Run inside a container: what its processes may do, as the kernel tells, and that nothing can be written but temporary files.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

/** The first process, which may be a bare init, and the product's own. */
const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
const isOurs = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('dist/main.js');
const ours = processes.filter(isOurs);
assert.ok(ours.length > 0, 'the product runs');
for (const pid of new Set(['1', ...ours])) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const fieldOf = (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.match(fieldOf(set), /^0+$/, `process ${pid} has no capability in ${set}`);
  }
  assert.equal(fieldOf('NoNewPrivs'), '1', `process ${pid} gets no new privilege`);
  // As a number, which is what Kubernetes wants to be told: deploy/kubernetes names the same.
  assert.deepEqual([fieldOf('Uid'), fieldOf('Gid')], ['1000', '1000'], `process ${pid} is user node`);
}
for (const file of ['/app/a-file', '/app/dist/main.js', '/home/node/a-file', '/a-file']) {
  assert.throws(() => writeFileSync(file, ''), { code: 'EROFS' }, `${file} cannot be written`);
}
writeFileSync('/tmp/a-file', '');
rmSync('/tmp/a-file');
console.log(`confined: user node, no capability, no new privilege, nothing can be written but /tmp`);
