/**
 * A certificate authority of a test's own, and a certificate of it for loopback.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Paths of PEM files, and what is in them. */
export interface Certificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly caText: string;
  readonly certText: string;
  readonly keyText: string;
}

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Signed by an authority that no other client trusts, for `localhost` and 127.0.0.1. */
export async function makeCertificate(dir: string): Promise<Certificate> {
  const at = (name: string) => join(dir, name);
  const read = (file: string) => readFile(file, 'utf8');
  const authority = ['-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=an authority of ours'];
  await run('openssl', ['req', '-x509', '-days', '2', ...KEY, ...authority]);
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const issued = [
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-keyout',
    at('redis.key'),
    '-out',
    at('redis.crt'),
  ];
  await run('openssl', [
    'req',
    '-x509',
    '-days',
    '2',
    ...KEY,
    ...issued,
    '-subj',
    '/CN=redis',
    '-addext',
    names,
  ]);
  const files = { ca: at('ca.crt'), cert: at('redis.crt'), key: at('redis.key') };
  const [caText, certText, keyText] = await Promise.all([read(files.ca), read(files.cert), read(files.key)]);
  return { ...files, caText, certText, keyText };
}
