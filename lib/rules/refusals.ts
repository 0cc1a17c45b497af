/** What the kernel refuses in a rule whose grammar is right: our sentence, and ipvsadm's words. */
import { TunvsError } from '../values/errors.js';
import { formatEndpoint, isLinkLocal6, isUnicast } from '../values/inet.js';
import type { MarkRule } from '../values/marks.js';
import type { ServerCommand, ServiceId } from './command.js';
import { RulesError } from './errors.js';
import { printMark } from './mark.js';
import { printServiceId } from './print.js';
import { parseVirtualAddress } from '../values/service-key.js';

function refusal(sentence: string, text: string): RulesError {
  return new RulesError(sentence, { ipvsadm: { text, exitStatus: 255 } });
}

export const serviceExists = (service: ServiceId) =>
  refusal(
    `the service ${printServiceId(service)} exists already: change it with -E, or delete it first`,
    'Service already exists',
  );

export const noSuchService = (service: ServiceId) =>
  refusal(
    `there is no service ${printServiceId(service)}: add it first, with -A, or leave this out`,
    'No such service',
  );

/** The refusal of commands on a server, which ipvsadm words differently. */
export const serviceNotDefined = (service: ServiceId) =>
  refusal(
    `there is no service ${printServiceId(service)} for this server: add it first, with -A`,
    'Service not defined',
  );

export const serverExists = (service: ServiceId, server: { address: string; port: number }) =>
  refusal(
    `the service ${printServiceId(service)} has the server ${formatEndpoint(server)} already: change it with -e, or delete it first`,
    'Destination already exists',
  );

export const noSuchServer = (service: ServiceId, server: { address: string; port: number }) =>
  refusal(
    `the service ${printServiceId(service)} has no server ${formatEndpoint(server)}: add it first, with -a, or leave this out`,
    'No such destination',
  );

export const markExists = (rule: MarkRule) =>
  new RulesError(`the rule "${printMark({ command: 'addMark', rule })}" is there already: leave one of them out`);

export const noSuchMark = (rule: MarkRule) =>
  new RulesError(`there is no rule "${printMark({ command: 'addMark', rule })}" to delete: see mark list`);

const INVALID_OPERATION = 'Invalid operation.  Possibly wrong module version, address not unicast, ...';

/** Checks what the kernel checks of a server's record before it looks for the service. */
export function checkServer({ server, settings }: Pick<ServerCommand, 'server' | 'settings'>): void {
  if (!isUnicast(server.address)) {
    throw refusal(`-r ${server.address} is not the address of one host: write a unicast address`, INVALID_OPERATION);
  }
  if (isLinkLocal6(server.address)) {
    throw refusal(`-r ${server.address} is link-local: write an address that needs no interface`, INVALID_OPERATION);
  }
  if (settings.lowerThreshold > settings.upperThreshold) {
    throw refusal(
      `-y ${settings.lowerThreshold} is above -x ${settings.upperThreshold}: write a lower threshold up to the upper one`,
      'Numerical result out of range',
    );
  }
}

/** Checks what the kernel checks of a service's address, and that a device can receive packets for it. */
export function checkService(service: ServiceId): void {
  if (service.kind === 'mark') return;
  const { option, value } = spelled(service);
  const address = parseVirtualAddress(service.address);
  if (typeof address === 'string') return;
  const mend = address.mistake.includes(': write ') ? '' : ': write another address';
  throw refusal(`${option} ${value} ${address.mistake}${mend}`, INVALID_OPERATION);
}

/** Returns a service's option and its value, as in `-t` and `192.0.2.1:80`. */
function spelled(service: ServiceId): { option: string; value: string } {
  const [option = '', ...value] = printServiceId(service).split(' ');
  return { option, value: value.join(' ') };
}

/** The options of rules by the library's options, where the two have different names. */
const RULE_OPTIONS: Readonly<Record<string, string>> = {
  scheduler: '-s',
  schedulerFlags: '-b',
  persistence: '-p',
  onePacket: '-o',
  weight: '-w',
  upperThreshold: '-x',
  lowerThreshold: '-y',
  tunnelPort: '--tun-port',
  destination: 'dst',
};

/** Returns the option of `rule` that the library refused, as it was written. */
function refusedOption(option: string, rule: Partial<ServerCommand> | undefined): string | undefined {
  if (option !== 'address' && option !== 'port') return RULE_OPTIONS[option.replace(/\..*/, '')];
  if (rule?.server) return `-r ${formatEndpoint(rule.server)}`;
  return rule?.service && printServiceId(rule.service);
}

/** What the library expected, and how to mend it where it says so. A value that is shown here holds no ": ". */
const REFUSED = /: expected (.*), got .*?(: .*)?$/s;

/** Turns a refusal of the director's into one of rules, in their words; passes a RulesError on. */
export function asRulesError(error: unknown, rule?: { command: string }): unknown {
  if (error instanceof RulesError || !(error instanceof TunvsError)) return error;
  const isTheRules = error.code === 'ERR_TUNVS_INVALID_ARGUMENT' || error.code === 'ERR_TUNVS_UNSUPPORTED';
  if (!isTheRules) return error;
  const option = error.option === undefined ? undefined : refusedOption(error.option, rule as Partial<ServerCommand>);
  const [, expected, mend] = REFUSED.exec(error.message) ?? [];
  const sentence =
    option !== undefined && expected !== undefined ? `${option}: write ${expected}${mend ?? ''}` : plain(error.message);
  return refusal(
    sentence,
    isOfFullNat(error, rule as Partial<ServerCommand>) ? withOption(sentence) : INVALID_OPERATION,
  );
}

/** ipvsadm has no full NAT, and so no words for what is wrong with it. */
function isOfFullNat({ message }: TunvsError, rule: Partial<ServerCommand> | undefined): boolean {
  return rule?.settings?.forwarding === 'snat' || message.includes('full NAT');
}

/** Whoever writes a rule may have started the director by options alone. */
function withOption(sentence: string): string {
  return sentence.replace('fullNat.sources', 'fullNat.sources (--nat-source of tunvs run)');
}

/** A sentence about a sysctl names it, and needs no call in front. */
function plain(message: string): string {
  return message.replace(/^setSysctl: \w+: (?=net\.)/, '');
}
