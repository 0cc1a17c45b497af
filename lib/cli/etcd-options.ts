/** The options that say where etcd is, for the verbs that ask it. */
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { EtcdClient } from '../fleet/etcd/client.js';
import { type EtcdOptions, whyNoEndpoint } from '../fleet/etcd/options.js';
import { type Layout, whyNoPrefix } from '../fleet/layout.js';
import { reading } from './files.js';
import { UsageError } from './verb.js';

export interface EtcdArguments {
  etcd?: string[];
  prefix?: string;
  etcdCa?: string;
  etcdCert?: string;
  etcdKey?: string;
  etcdUser?: string;
  etcdPasswordFile?: string;
  /** The variable that has the password; the command line has no option for it. */
  etcdPasswordVariable?: string;
  /** What sentences call an option that stands in a file. */
  etcdNames?: Partial<Record<'ca' | 'cert' | 'key' | 'user' | 'password', string>>;
}

/** Where the password is, unless a file has it: a command line is read by everybody on the host. */
export const PASSWORD_VARIABLE = 'TUNVS_ETCD_PASSWORD';

export function addEtcdOptions(command: Command, what: string): Command {
  return command
    .option(
      '--etcd <urls>',
      `${what}: etcd's endpoints, as in https://10.2.0.5:2379,https://10.2.0.6:2379`,
      endpointsArgument,
    )
    .option('--prefix <prefix>', 'where the fleet stands in etcd, as in /tunvs/site', prefixArgument)
    .option('--etcd-ca <file>', "certificates that may sign etcd's (default: the system's)")
    .option('--etcd-cert <file>', 'certificate to show to etcd; needs --etcd-key')
    .option('--etcd-key <file>', 'its private key')
    .option('--etcd-user <name>', `user of etcd; ${PASSWORD_VARIABLE} has the password, or a file`)
    .option('--etcd-password-file <file>', "file with the user's password");
}

function endpointsArgument(text: string, earlier: readonly string[] = []): string[] {
  const endpoints = text.split(',').map((each) => each.trim());
  for (const each of endpoints) {
    const why = whyNoEndpoint(each);
    if (why !== undefined)
      throw new InvalidArgumentError(`"${each}": ${why}. Write URLs with commas between, as in http://10.2.0.5:2379.`);
  }
  return [...earlier, ...endpoints];
}

function prefixArgument(text: string): string {
  const why = whyNoPrefix(text);
  if (why === undefined) return text;
  throw new InvalidArgumentError(`Write a prefix as in /tunvs/site: ${why}.`);
}

/** Whether an option is given that means nothing without `--etcd`. */
export const etcdOptionsOf = (given: EtcdArguments): string[] =>
  Object.entries({
    '--prefix': given.prefix,
    '--etcd-ca': given.etcdCa,
    '--etcd-cert': given.etcdCert,
    '--etcd-key': given.etcdKey,
    '--etcd-user': given.etcdUser,
    '--etcd-password-file': given.etcdPasswordFile,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));

export interface Etcd {
  client: EtcdClient;
  layout: Layout;
  /** What works and is hardly meant. */
  warnings: string[];
}

/** Reads the files that the options name. */
export async function etcdOf(
  given: EtcdArguments,
  environment = process.env,
  times: Pick<EtcdOptions, 'timeoutMs' | 'heartbeatMs'> = {},
): Promise<Etcd> {
  const { etcd: endpoints, prefix, etcdUser, etcdNames: names = {} } = given;
  if (endpoints === undefined)
    throw new UsageError("give --etcd with etcd's endpoints, as in --etcd http://10.2.0.5:2379");
  if (prefix === undefined)
    throw new UsageError('give --prefix with the place of the fleet in etcd, as in --prefix /tunvs/site');
  if ((given.etcdCert === undefined) !== (given.etcdKey === undefined))
    throw new UsageError('--etcd-cert and --etcd-key belong together: give both');
  const [ca, cert, key, password] = await Promise.all([
    contentsOf(names.ca ?? '--etcd-ca', given.etcdCa),
    contentsOf(names.cert ?? '--etcd-cert', given.etcdCert),
    contentsOf(names.key ?? '--etcd-key', given.etcdKey),
    passwordOf(given, environment),
  ]);
  const plain = endpoints.filter((each) => each.startsWith('http:'));
  if (plain.length > 0 && (ca ?? cert) !== undefined)
    throw new UsageError(`${plain[0]} has no TLS, and --etcd-ca or --etcd-cert is given: name it with https`);
  const [{ EtcdClient }, { Layout }] = await Promise.all([
    import('../fleet/etcd/client.js'),
    import('../fleet/layout.js'),
  ]);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  const client = new EtcdClient({
    ...{ endpoints, tls },
    ...times,
    ...(etcdUser !== undefined && password !== undefined && { user: { name: etcdUser, password } }),
  });
  const isOpen = plain.filter((each) => !/^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(`${each}/`));
  const warnings =
    etcdUser !== undefined && isOpen.length > 0
      ? [`the password of ${etcdUser} goes to ${isOpen[0]} for everybody on the way to read: name etcd with https`]
      : [];
  return { client, layout: new Layout(prefix), warnings };
}

async function contentsOf(option: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return reading({ option, file, mend: 'name a file in PEM' }, () => readFile(file, 'utf8'));
}

async function passwordOf(
  {
    etcdUser,
    etcdPasswordFile: file,
    etcdPasswordVariable: variable = PASSWORD_VARIABLE,
    etcdNames = {},
  }: EtcdArguments,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (etcdUser === undefined) {
    if (file !== undefined) throw new UsageError('--etcd-password-file is for --etcd-user: give it too');
    return undefined;
  }
  const { user = '--etcd-user', password: option = '--etcd-password-file' } = etcdNames;
  if (file === undefined) {
    const password = environment[variable];
    if (password) return password;
    throw new UsageError(`${user} ${etcdUser}: give the password in the variable ${variable}, or by ${option}`);
  }
  const mend = "name a file with the user's password";
  const text = await reading({ option, file, mend }, () => readFile(file, 'utf8'));
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new UsageError(`${option} ${file}: it is empty: ${mend}`);
  return password;
}
