/** Random commands of the whole grammar. */
import fc from 'fast-check';
import { addressBytes, formatAddress } from '../../lib/values/inet.js';
import { isRewriting } from '../../lib/values/forwarding-method.js';
import type { MarkRule } from '../../lib/values/marks.js';
import {
  type Command,
  type ServerSettings,
  type ServiceId,
  type ServiceSettings,
  servicePort,
} from '../../lib/rules/command.js';
import type { MarkCommand } from '../../lib/rules/mark.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const ip4 = bytes(4).map(formatAddress);
const ip6 = bytes(16).map(formatAddress);
const whole = (minimum: number, maximum: number) => fc.integer({ min: minimum, max: maximum });
const int32 = whole(0, 2 ** 31 - 1);
const seconds = whole(1, 2678400);
const word = fc.string({ unit: fc.constantFrom(...'abc019-_. "\'\\#'), minLength: 1, maxLength: 15 });
const protocol = fc.constantFrom('tcp', 'udp', 'sctp');

/** ADDRESS, or ADDRESS/LENGTH without bits beyond the length. */
const prefix = fc.oneof(ip4, ip6).chain((address) =>
  fc.oneof(
    fc.constant(address),
    whole(0, address.includes(':') ? 127 : 31).map((length) => networkOf(address, length)),
  ),
);

function networkOf(address: string, length: number): string {
  const bytes = addressBytes(address) as Uint8Array;
  const kept = bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, length - 8 * at))));
  return `${formatAddress(kept)}/${length}`;
}

/** Port 0 needs persistence; see `everyPortService`. */
const ports = fc.oneof(
  whole(1, 65535).map((port) => ({ port })),
  fc
    .uniqueArray(whole(1, 65535), { minLength: 2, maxLength: 2 })
    .map((pair) => pair.sort((a, b) => a - b))
    .map(([port, lastPort]) => ({ port, lastPort })),
);
const addressService = fc
  .tuple(protocol, prefix, ports)
  .map(([protocol, address, ports]) => ({ kind: 'address', protocol, address, ...ports }));
const everyPortService = fc.record({
  kind: fc.constant('address'),
  protocol,
  address: prefix,
  port: fc.constant(0),
}) as fc.Arbitrary<ServiceId>;
const markService = fc.record({
  kind: fc.constant('mark'),
  mark: whole(1, 2 ** 32 - 1),
  family: fc.constantFrom(4, 6),
});
const service = fc.oneof(addressService, markService) as fc.Arbitrary<ServiceId>;

const isIp6 = (id: ServiceId) => (id.kind === 'mark' ? id.family === 6 : id.address.includes(':'));

function netmask(id: ServiceId): fc.Arbitrary<string> {
  if (isIp6(id)) return whole(1, 127).map(String);
  return ip4.filter((mask) => mask !== '0.0.0.0' && mask !== '255.255.255.255');
}

/** An `id` of every port is persistent. */
function serviceSettings(id: ServiceId): fc.Arbitrary<ServiceSettings> {
  const persistence = fc.record(
    { timeoutSeconds: seconds, netmask: netmask(id), engine: word },
    { requiredKeys: ['timeoutSeconds'] },
  );
  const settings = {
    scheduler: fc.oneof(fc.constantFrom('rr', 'wlc', 'sh', 'mh'), word),
    schedulerFlags: fc.subarray([1, 2, 3] as const).map((flags) => [...flags]),
    persistence,
    onePacket: id.kind === 'mark' || id.protocol === 'udp' ? fc.boolean() : fc.constant(false),
  };
  const isEveryPort = id.kind === 'address' && id.port === 0;
  return fc.record(settings, {
    requiredKeys: ['scheduler', 'schedulerFlags', 'onePacket', ...(isEveryPort ? (['persistence'] as const) : [])],
  });
}

const numbers = { weight: int32, upperThreshold: int32, lowerThreshold: int32 };
const tunnel = fc.oneof(
  fc.record({ forwarding: fc.constant('ipip'), ...numbers }),
  fc.record({ forwarding: fc.constant('gre'), tunnelChecksum: fc.constantFrom('nocsum', 'csum'), ...numbers }),
  fc.record({
    forwarding: fc.constant('gue'),
    tunnelPort: whole(1, 65535),
    tunnelChecksum: fc.constantFrom('nocsum', 'csum', 'remcsum'),
    ...numbers,
  }),
) as fc.Arbitrary<ServerSettings>;
const otherForwarding = fc.oneof(
  fc.record({ forwarding: fc.constantFrom('dr', 'nat'), ...numbers }),
  fc.record(
    { forwarding: fc.constant('snat'), clientAddress: fc.constantFrom('toa', 'proxy'), ...numbers },
    { requiredKeys: ['forwarding', 'weight', 'upperThreshold', 'lowerThreshold'] },
  ),
) as fc.Arbitrary<ServerSettings>;

function serverCommand(id: ServiceId): fc.Arbitrary<Command> {
  const sameFamily = isIp6(id) ? ip6 : ip4;
  const withAddress = fc.oneof(
    fc.record({ address: fc.oneof(ip4, ip6), settings: tunnel }),
    fc.record({ address: sameFamily, settings: otherForwarding }),
  );
  return fc
    .record({ command: fc.constantFrom('addServer', 'editServer'), target: withAddress, port: whole(0, 65535) })
    .map(({ command, target: { address, settings }, port }) => {
      const ownPort = id.kind === 'address' && !isRewriting(settings.forwarding) ? servicePort(id) : port;
      return { command, service: id, server: { address, port: ownPort }, settings } as Command;
    });
}

const list = fc.oneof(
  fc.record(
    {
      command: fc.constant('list'),
      what: fc.constant('services'),
      service,
      columns: fc.constantFrom('plain', 'stats', 'rate', 'thresholds', 'persistent', 'tunnel'),
      exact: fc.boolean(),
      sorted: fc.boolean(),
      numeric: fc.boolean(),
    },
    { requiredKeys: ['command', 'what', 'columns', 'exact', 'sorted', 'numeric'] },
  ),
  fc.record({
    command: fc.constant('list'),
    what: fc.constantFrom('connections', 'timeouts', 'daemon'),
    columns: fc.constant('plain'),
    exact: fc.boolean(),
    sorted: fc.boolean(),
    numeric: fc.boolean(),
  }),
);

const startDaemon = fc.record(
  {
    command: fc.constant('startDaemon'),
    role: fc.constantFrom('master', 'backup'),
    interface: word,
    syncId: whole(0, 255),
    maxLength: whole(1, 65507),
    group: fc.constantFrom('224.0.0.81', 'ff02::1'),
    port: whole(1, 65535),
    ttl: whole(1, 255),
  },
  { requiredKeys: ['command', 'role'] },
);

const command = fc.oneof(
  fc
    .oneof({ arbitrary: service, weight: 3 }, everyPortService)
    .chain((id) =>
      serviceSettings(id).chain((settings) =>
        fc.constantFrom('addService', 'editService').map((command) => ({ command, service: id, settings })),
      ),
    ),
  service.chain(serverCommand),
  service.map((id) => ({ command: 'deleteService', service: id })),
  fc.record({
    command: fc.constant('deleteServer'),
    service,
    server: fc.record({ address: fc.oneof(ip4, ip6), port: whole(0, 65535) }),
  }),
  fc.constantFrom({ command: 'clear' }, { command: 'restore' }, { command: 'help' }, { command: 'version' }),
  fc.record({ command: fc.constant('save'), numeric: fc.boolean() }),
  list,
  fc.record({ command: fc.constant('zero'), service }, { requiredKeys: ['command'] }),
  fc.record({ command: fc.constant('setTimeouts'), tcp: seconds, tcpFin: whole(0, 9), udp: seconds }),
  startDaemon,
  fc.record(
    { command: fc.constant('stopDaemon'), role: fc.constantFrom('master', 'backup'), syncId: whole(0, 255) },
    { requiredKeys: ['command', 'role'] },
  ),
) as fc.Arbitrary<Command>;

/** Makes plain objects: fast-check's own have no prototype, which deepEqual does not accept. */
export const anyCommand = command.map((value) => structuredClone(value));

const markRule = fc.oneof(
  fc.record({ source: prefix }),
  fc.record({ destination: prefix }),
  fc.record({ source: fc.constant('10.0.0.0/8'), destination: fc.constantFrom('192.0.2.1', '192.0.2.0/28') }),
  fc.constant({}),
);
const markPorts = fc.oneof(
  ports,
  whole(0, 65535).map((port) => ({ port })),
  fc.constant({}),
);

/** Rules of marks, and the commands on them. */
export const anyMarkCommand = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('addMark', 'deleteMark'),
      whole(1, 2 ** 32 - 1),
      fc.record({ protocol }, { requiredKeys: [] }),
      markRule,
      markPorts,
    )
    .map(([command, mark, protocol, prefixes, ports]) => {
      const rule: object = { mark, ...protocol, ...prefixes, ...ports };
      return structuredClone({ command, rule: rule as MarkRule }) as MarkCommand;
    }),
  fc.constantFrom<MarkCommand>({ command: 'flushMarks' }, { command: 'listMarks' }),
);
