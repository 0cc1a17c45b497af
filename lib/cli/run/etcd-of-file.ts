/** Turns what a configuration file says of its fleet into the options of the command line, which count more. */
import type { Spec } from '../../config/spec.js';
import type { FleetArguments } from './options.js';

export function withEtcdOf<Options extends FleetArguments>(
  options: Options,
  etcd: Spec['etcd'],
): Options & FleetArguments {
  if (etcd === undefined) return options;
  const { endpoints, prefix, member, lease, cache, shareChecks, ca, cert, key, user, password } = etcd;
  const file: FleetArguments = {
    ...{ etcd: endpoints, prefix },
    ...(member !== undefined && { etcdMember: member }),
    ...(lease !== undefined && { etcdLease: lease / 1000 }),
    ...(cache !== undefined && { etcdCache: cache }),
    ...(shareChecks !== undefined && { etcdShareChecks: shareChecks }),
    ...(ca !== undefined && { etcdCa: ca }),
    ...(cert !== undefined && { etcdCert: cert }),
    ...(key !== undefined && { etcdKey: key }),
    ...(user !== undefined && { etcdUser: user }),
    ...(password?.file !== undefined && { etcdPasswordFile: password.file }),
    ...(password?.env !== undefined && { etcdPasswordVariable: password.env }),
  };
  // A file's password has a user, and who names another on the command line has another password.
  if (options.etcdUser !== undefined) {
    delete file.etcdPasswordFile;
    delete file.etcdPasswordVariable;
  }
  if (options.etcdPasswordFile !== undefined) delete file.etcdPasswordVariable;
  const names = {
    ...(options.etcdCa === undefined && { ca: 'etcd.ca' }),
    ...(options.etcdCert === undefined && { cert: 'etcd.cert' }),
    ...(options.etcdKey === undefined && { key: 'etcd.key' }),
    ...(options.etcdUser === undefined && { user: 'etcd.user' }),
    ...(options.etcdUser === undefined && options.etcdPasswordFile === undefined && { password: 'etcd.password' }),
  };
  return { ...file, ...options, etcdNames: names };
}
