/**
 * The bounds of numbers stand in schemas and in the library: what a schema takes at its bounds the library takes, and
 * what it refuses beyond them the library refuses.
 */
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { serverSchema, serviceSchema } from '../../lib/config/schema/service.js';
import { directorFields, settingsFields } from '../../lib/config/schema/director.js';
import { markRuleSchema, timeoutsEdit } from '../../lib/control/schema/director.js';
import { serverEdit } from '../../lib/control/schema/server.js';
import { serviceEdit } from '../../lib/control/schema/service.js';
import { Director } from '../../lib/director/director.js';
import { checkedOpenOptions } from '../../lib/director/director-options.js';
import { TunvsError } from '../../lib/values/errors.js';

interface Bounded {
  type?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Bounded>;
  items?: Bounded;
  anyOf?: Bounded[];
  additionalProperties?: Bounded | boolean;
}

interface Bound {
  path: string[];
  minimum: number;
  maximum: number;
}

/** Returns the integers that have bounds of their own. */
function boundsOf(schema: Bounded, path: string[] = []): Bound[] {
  if (schema.anyOf) return schema.anyOf.flatMap((each) => boundsOf(each, path));
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([name, each]) => boundsOf(each, [...path, name]));
  if (typeof schema.additionalProperties === 'object') return [];
  if (schema.items) return boundsOf(schema.items, [...path, '0']);
  const { minimum = -Infinity, maximum = Infinity } = schema;
  const isBounded = minimum > Number.MIN_SAFE_INTEGER && maximum < Number.MAX_SAFE_INTEGER;
  return schema.type === 'integer' && isBounded ? [{ path, minimum, maximum }] : [];
}

const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' }) as Bounded;

/** Makes `{ device: { queues: 3 } }`. */
function nested([name, ...others]: string[], value: unknown): unknown {
  if (name === undefined) return value;
  return name === '0' ? [nested(others, value)] : { [name]: nested(others, value) };
}

function isTaken(call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof TunvsError) return false;
    throw error;
  }
}

const SOURCE = '10.2.0.2';

function atDirector(use: (director: ReturnType<typeof Director.offline>) => void): void {
  const director = Director.offline({ source: SOURCE, maxConnections: 1024 });
  try {
    use(director);
  } finally {
    void director.close();
  }
}

type Fields = Record<string, unknown>;

const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const GUE = { forwarding: 'gue', tunnelPort: 6080 } as const;

/** A range begins at its first port; 0 is every port, and no range. */
const firstPort = ({ lastPort }: Fields) => (lastPort === undefined ? undefined : lastPort === 0 ? 0 : 1);

const addService = (fields: Fields) =>
  atDirector((director) => {
    const isMark = 'mark' in fields || 'family' in fields;
    const [state = 'established'] = Object.keys((fields.timeouts as Fields | undefined) ?? {});
    const protocol = state.startsWith('sctp') ? 'sctp' : state === 'udp' ? 'udp' : 'tcp';
    const address = (fields.persistence as Fields | undefined)?.netmask === undefined ? web.address : '2001:db8::1';
    const port = firstPort(fields) ?? web.port;
    const name = isMark ? { mark: 1 } : { protocol, address, port };
    director.addVirtualService({ ...name, persistence: {}, ...fields } as never);
  });
const addServer = (fields: Fields) =>
  atDirector((director) => {
    const more = 'lowerThreshold' in fields ? { upperThreshold: 2 ** 31 - 1 } : {};
    director.addVirtualService({ mark: 1 }).addRealServer({ address: '10.3.0.11', ...GUE, ...more, ...fields });
  });
const editServer = (fields: Fields) =>
  atDirector((director) => {
    const more = 'lowerThreshold' in fields ? { upperThreshold: 2 ** 31 - 1 } : {};
    const server = director.addVirtualService(web).addRealServer({ address: '10.3.0.11', ...GUE, ...more });
    server.edit(fields);
  });
const open = (fields: Fields) => {
  const more = 'pathMtuFloor' in fields ? { pathMtu: 65535 } : 'pathMtu' in fields ? { pathMtuFloor: 68 } : {};
  const { markDevices } = fields as { markDevices?: Fields[] };
  const device = 'setUpHost' in fields ? { maxPacketBytes: 65535 } : fields.device;
  const marked = markDevices && { markDevices: markDevices.map((each) => ({ mark: 1, ...each })) };
  checkedOpenOptions({
    source: SOURCE,
    ...more,
    ...fields,
    ...marked,
    ...(device !== undefined && { device }),
  } as never);
};
const setMarks = (rule: Fields) =>
  atDirector((director) =>
    director.setMarks([
      { mark: 1, protocol: 'tcp', ...(firstPort(rule) !== undefined && { port: firstPort(rule) }), ...rule } as never,
    ]),
  );
const setTimeouts = (fields: Fields) => atDirector((director) => director.setTimeouts(fields));

/** Where the library goes by more than the number, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'the file, a service: schedulerOptions.tableSize': 'the library takes certain sizes, by scheduler',
  'the API, a service: schedulerOptions.tableSize': 'the library takes certain sizes, by scheduler',
  'the file, the director: markDevices.0.queues': 'all devices together have at most 64',
  'the file, a server: max': 'it is no option of the library',
  'the API, a server that is edited: tunnelPort': 'other methods than gue read 0, and changes.ts leaves it out',
  'the API, a server: tunnelPort': 'other methods than gue read 0, and changes.ts leaves it out',
};

const CASES: [name: string, schema: Bounded, use: (fields: Fields) => void][] = [
  ['the file, a service', jsonSchema(serviceSchema.omit({ servers: true })), addService],
  ['the file, a server', jsonSchema(serverSchema), addServer],
  ['the file, the director', jsonSchema(z.strictObject(directorFields)), open],
  ['the file, timeouts', jsonSchema(settingsFields.timeouts.unwrap()), setTimeouts],
  ['the file, a rule of marks', jsonSchema(settingsFields.marks.unwrap().element), setMarks],
  ['the API, a service', jsonSchema(serviceEdit), addService],
  ['the API, a server that is edited', jsonSchema(serverEdit), editServer],
  ['the API, a rule of marks', jsonSchema(markRuleSchema), setMarks],
  ['the API, timeouts', jsonSchema(timeoutsEdit), setTimeouts],
];

describe('bounds of schemas are those of the library', () => {
  for (const [name, schema, use] of CASES)
    for (const { path, minimum, maximum } of boundsOf(schema)) {
      const title = `${name}: ${path.join('.')}`;
      if (title in OTHERWISE) continue;
      it(`${title} is from ${minimum} to ${maximum}`, () => {
        const taken = [minimum - 1, minimum, maximum, maximum + 1].map((value) =>
          isTaken(() => use(nested(path, value) as Fields)),
        );
        assert.deepEqual(taken, [false, true, true, false]);
      });
    }
});
