/** Turns the health that a spec wants into the options that a monitor takes. */
import type { Check } from '../health/checks/check.js';
import type { NotifyCommand, WebhookOptions } from '../health/notify/options.js';
import type { HealthOptions, MonitorOptions, ServerHealthOptions, TimedCheck } from '../health/options.js';
import { readCheck, takesPort } from './check-options.js';
import type { WantedHealth, WantedServerHealth } from './health-of.js';
import type { CommandSpec, HealthSpec, TimedCheckSpec } from './spec.js';

/** Returns the check of a module. */
export type ModuleCheckOf = (file: string) => Check;

/** Names of the file that are durations, with those of the library. */
const DURATIONS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...['interval', 'downInterval', 'timeout', 'retryDelay', 'warmUp'],
    ...['window', 'halfLife', 'maxSuppress', 'period'],
  ].map((name) => [name, `${name}Ms`]),
);

/** Returns the fields under the names of the library; what is left out is left out. */
function named(fields: object): Record<string, unknown> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [DURATIONS[name] ?? name, value]));
}

const namedOr = (value: object | boolean) => (typeof value === 'boolean' ? value : named(value));

/** `forServer` is left to whoever knows which server is which. */
export function healthOptionsOf(
  { checks, port, failOpen, damping, observe, notify, ...plain }: WantedHealth,
  moduleCheck: ModuleCheckOf,
): HealthOptions {
  const { up, down, quorumUp, quorumDown } = notify ?? {};
  return {
    ...named(plain),
    checks: checks.map((each) => timedCheck(each, port, moduleCheck)),
    ...(failOpen && { failOpen: named(failOpen) as unknown as NonNullable<HealthOptions['failOpen']> }),
    ...(damping !== undefined && { damping: namedOr(damping) }),
    ...(observe !== undefined && { observe: namedOr(observe) }),
    ...(notify && {
      notify: {
        ...((up ?? down) && { server: commands({ up, down }) }),
        ...commands({ quorumUp, quorumDown }),
      },
    }),
  };
}

/** A server that has another port alone is asked what its service's checks ask. */
export function serverHealthOptionsOf(
  { checks, port, notify, ...plain }: WantedServerHealth,
  service: WantedHealth,
  moduleCheck: ModuleCheckOf,
): ServerHealthOptions {
  const own = checks?.map((each) => timedCheck(each, port ?? service.port, moduleCheck));
  const inherited = () => service.checks.map((each) => timedCheck(each, port, moduleCheck, true));
  const asked = own ?? (port === undefined ? undefined : inherited());
  return {
    ...named(plain),
    ...(asked && { checks: asked }),
    ...(notify && { notify: commands(notify) }),
  };
}

/** What a monitor itself takes. `read` returns the text of a file. */
export function monitorOptionsOf(
  { atOnce, notify, onStandby }: HealthSpec,
  read: (file: string) => string,
): MonitorOptions {
  const { script, fifo, webhook, initial } = notify ?? {};
  return {
    ...(atOnce !== undefined && { atOnce }),
    ...(onStandby !== undefined && { onStandby }),
    ...(notify && {
      notify: {
        ...(script && { script: commandOf(script) }),
        ...(fifo !== undefined && { fifo }),
        ...(webhook && { webhook: webhookOf(webhook, read) }),
        ...(initial !== undefined && { initial }),
      },
    }),
  };
}

type Webhook = NonNullable<NonNullable<HealthSpec['notify']>['webhook']>;

/** The file has the name of another file in the place of certificates. */
function webhookOf({ ca, url, ...others }: Webhook, read: (file: string) => string): WebhookOptions {
  return { ...named(others), url, ...(ca !== undefined && { ca: read(ca) }) };
}

/** The check's own port counts more than `port`, unless `isFirm`. */
function timedCheck(
  { check, ...others }: TimedCheckSpec,
  port: number | undefined,
  moduleCheck: ModuleCheckOf,
  isFirm = false,
): TimedCheck {
  const read = readCheck(check);
  if ('module' in read) return { ...named(others), check: moduleCheck(read.module) };
  const { kind, options } = read;
  if (port === undefined || !takesPort(read)) return { ...named(others), check: kind.make(options) };
  return { ...named(others), check: kind.make(isFirm ? { ...options, port } : { port, ...options }) };
}

type Commands<Name extends string> = Partial<Record<Name, NotifyCommand>>;

function commands<Name extends string>(given: Partial<Record<Name, CommandSpec | undefined>>): Commands<Name> {
  const each = Object.entries<CommandSpec | undefined>(given);
  return Object.fromEntries(each.flatMap(([name, spec]) => (spec ? [[name, commandOf(spec)]] : []))) as Commands<Name>;
}

function commandOf(spec: CommandSpec): NotifyCommand {
  const { command, ...others } = Array.isArray(spec) ? { command: spec } : spec;
  return { command: command as [string, ...string[]], ...named(others) };
}
