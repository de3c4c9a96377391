import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../../support/run-command.ts';
import { type Person, createReconcileWorld, nextMillisecond, told } from './reconcile-world.ts';

describe('the list', () => {
  it('takes the names of the SDK and of the caller, from a pipe as from a file', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a', firstName: 'Ada' }, { clientId: 'b' }]);
    const sdk = await world.write('ClientId;FirstName\na;Ada\nb;\n');
    expect((await world.reconcile(sdk)).status).toBe(0);
    const own = await world.write('no,name,shoe size\na,Ada,36\nb,,\n', 'own.csv');
    const map = ['no=clientId', 'name=firstName', 'shoe size='];
    expect((await world.reconcile(own, '--map', ...map)).status).toBe(0);
    const objects = await world.write(
      '{"clientId":"a","profile":{"firstName":"Ada"}}\n{"clientId":"b"}\n',
      'u.ndjson',
    );
    expect((await world.reconcile(objects)).status).toBe(0);
    const { exit } = startCommand(
      ['reconcile', '-', '--format', 'csv'],
      world.env,
      'clientId,firstName\na,Eve\nb,\n',
    );
    expect(await exit).toBe(1);
  });

  it('with faults is refused with status 2, by line and column, and nothing is asked of Damoov', async () => {
    const world = await createReconcileWorld();
    const file = await world.write(
      'clientId,email,occurredAt\na,secret@example.com,\n,x,\na,y,\nb,z,yesterday\n',
    );
    const { status, stdout, stderr } = await world.reconcile(file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n').slice(1)).toEqual([
      'line 3, clientId: must not be empty',
      'line 4, clientId: is in the list already',
      'line 5, occurredAt: must be a time in ISO 8601 with a zone, such as 2027-01-31T12:00:00Z',
      '',
    ]);
    expect(await world.requests('login')).toEqual([]);
  });

  it.each([
    [
      'blanks and the case of an email are no difference',
      { firstName: ' Ada ', email: 'ADA@Example.com' },
      [],
    ],
    ['the two ways to write an é are none', { lastName: 'Andre\u0301' }, []],
    ['the case of a name is one', { firstName: 'ADA' }, ['firstName']],
    ['the form of a phone number is one', { phone: '+44201' }, ['phone']],
    ['an empty cell is none', { firstName: '', phone: ' ' }, []],
  ])('%s', async (_, cells: Person, fields: string[]) => {
    const world = await createReconcileWorld();
    const at = { firstName: 'Ada', lastName: 'Andr\u00e9', phone: '+44 20 1', email: 'ada@example.com' };
    await world.signUp([{ clientId: 'a', ...at }]);
    const file = await world.write(`${JSON.stringify({ clientId: 'a', ...cells })}\n`, 'users.ndjson');
    const [first] = told(await world.reconcile(file, '--json'));
    expect(first?.fields ?? []).toEqual(fields);
  });

  it('of users of several instances is compared by the rows of the one, and the others are counted', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'moved' }]);
    await nextMillisecond();
    const env = await world.withInstances('elsewhere');
    const file = await world.write('clientId,instance\na,\nMoved,elsewhere\nc,default\n,elsewhere\n');
    const reconcile = (...args: string[]) => runCommand(['reconcile', file, ...args], env);
    const lines = told(await reconcile('--json'));
    expect(lines.slice(0, -1)).toMatchObject([
      { kind: 'missing', line: 4, clientId: 'c' },
      { kind: 'orphaned', clientId: 'moved', looksLikeLine: 3 },
    ]);
    expect(lines.at(-1)?.summary).toMatchObject({ listed: 2, otherInstances: 2, orphaned: 1, lookalikes: 1 });
    const { stdout } = await reconcile();
    const others =
      '2 rows belong to other instances: not compared (a row without an instance belongs to default)';
    expect(stdout).toContain(`\n${others}\n`);
    const args = ['--apply', '--yes', '--delete-orphans', '--older-than', '0s', '--max-deletions', '1'];
    expect((await reconcile(...args)).stdout).toContain(
      '1 create-user, 0 update-user, 0 delete-user added\n1 orphaned left: like a row of the list',
    );
    expect(await world.jobs.getJobCountByTypes('delayed')).toBe(0);
  });

  it('has a row that names no instance for the default one, as an import does', async () => {
    const world = await createReconcileWorld();
    const path = join(world.dir, 'instances.json');
    const { DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key, ...env } = world.env;
    const reconcile = async (file: string, name: string) => {
      const other = { id: randomUUID(), key: randomUUID() };
      await writeFile(path, JSON.stringify({ eu: { id, key }, [name]: other }));
      const args = ['reconcile', file, '--instance', 'eu', '--json'];
      return runCommand(args, { ...env, DAMOOV_INSTANCES_FILE: path });
    };
    const file = await world.write('clientId,instance\na,eu\nb,\nc,default\n');
    const lines = told(await reconcile(file, 'default'));
    expect(lines.slice(0, -1)).toEqual([{ kind: 'missing', line: 2, clientId: 'a' }]);
    expect(lines.at(-1)?.summary).toMatchObject({ listed: 1, otherInstances: 2 });
    // An import would refuse it, too.
    const nameless = await world.write('clientId\na\n', 'nameless.csv');
    const { status, stderr } = await reconcile(nameless, 'us');
    expect(status).toBe(2);
    expect(stderr).toContain(
      'line 2, instance: is needed, because no instance is called default (known: eu, us)',
    );
  });

  it('with a row of an instance that nobody has configured is refused, by line and with what is known', async () => {
    const world = await createReconcileWorld();
    const env = await world.withInstances('eu');
    const file = await world.write('clientId,instance\na,Default\nb,eu \nc,eu\nd,\n,mars\n');
    const { status, stdout, stderr } = await runCommand(['reconcile', file], env);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const fault = 'instance: no such instance is configured (known: eu, default)';
    expect(stderr.split('\n').slice(1)).toEqual([
      `line 2, ${fault}`,
      `line 3, ${fault}`,
      `line 6, ${fault}`,
      '',
    ]);
  });
});
