/** Checks what the schema cannot: how the fields of etcd fit each other. */
import { whyNoEndpoint } from '../../fleet/etcd/options.js';
import { isPart, whyNoPrefix } from '../../fleet/layout.js';
import type { Path } from '../mistake.js';
import type { Spec } from '../spec.js';
import type { Finding } from './issues.js';

/** Paths in it become absolute. */
export function etcdFindings(etcd: Spec['etcd'], absolute: (path: Path, name: string) => string): Finding[] {
  if (etcd === undefined) return [];
  const findings: Finding[] = [];
  const say = (path: Path, message: string, mend: string) =>
    void findings.push({ path: ['etcd', ...path], message, mend });
  for (const [index, endpoint] of etcd.endpoints.entries()) {
    const why = whyNoEndpoint(endpoint);
    if (why !== undefined) say(['endpoints', index], why, 'write a URL as in https://10.2.0.5:2379');
  }
  const prefix = whyNoPrefix(etcd.prefix);
  if (prefix !== undefined) say(['prefix'], prefix, 'write a prefix as in /tunvs/site');
  if (etcd.member !== undefined && !isPart(etcd.member))
    say(['member'], 'this is no name', 'write a name without / and blanks');
  if (etcd.lease !== undefined && etcd.lease % 1000 !== 0)
    say(['lease'], 'etcd counts whole seconds', 'write whole seconds, as in 10s');
  if ((etcd.cert === undefined) !== (etcd.key === undefined))
    say([], 'a certificate and its key belong together', 'write cert and key');
  const plain = etcd.endpoints.findIndex((each) => each.startsWith('http:'));
  if (plain >= 0 && (etcd.ca ?? etcd.cert) !== undefined)
    say(['endpoints', plain], 'it has no TLS, and certificates are given', 'write https');
  const { password } = etcd;
  if (password !== undefined) {
    if (etcd.user === undefined) say(['password'], 'a password is for a user', 'write user as well');
    if ((password.file === undefined) === (password.env === undefined))
      say(['password'], 'a password is in a file or in an environment variable', 'write file or env');
    if (password.file !== undefined) password.file = absolute(['etcd', 'password', 'file'], password.file);
  }
  for (const name of ['ca', 'cert', 'key', 'cache'] as const) {
    const file = etcd[name];
    if (file !== undefined) etcd[name] = absolute(['etcd', name], file);
  }
  return findings;
}
