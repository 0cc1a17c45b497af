/** Turns nodes into values, and remembers where each stands. `{ env: NAME }` becomes what the variable holds. */
import { type Mistake, pathWithin } from '../mistake.js';
import type { Origin } from '../spec.js';
import type { ConfigNode, MapNode, Scalar } from './node.js';

export interface Valued {
  value: unknown;
  /** By path; a field's place is that of its value. */
  origins: Map<string, Origin>;
  /** The places of the names of fields. */
  names: Map<string, Origin>;
  mistakes: Mistake[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function toValue(root: MapNode, environment: Environment): Valued {
  const valued: Valued = { value: undefined, origins: new Map(), names: new Map(), mistakes: [] };
  valued.value = valueAt(root, '', undefined, environment, valued);
  return valued;
}

/** `holder` is the name of the field that holds the map or list which holds this value. */
function valueAt(
  node: ConfigNode,
  path: string,
  holder: string | undefined,
  environment: Environment,
  into: Valued,
  field?: string,
): unknown {
  into.origins.set(path, node.at);
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list')
    return node.items.map((item, index) => valueAt(item, pathWithin(path, index), field, environment, into));
  // The token of a door stays named, and the password for etcd: who reads the configuration need not know them.
  const isSecret = holder === 'tokens' || path === 'etcd.password';
  const isVariable = path !== '' && !isSecret && node.fields.has('env');
  if (isVariable) return variable(node, path, environment, into.mistakes);
  // A field may have any name, such as __proto__.
  const value: Record<string, unknown> = Object.create(null);
  for (const [name, { at, value: each }] of node.fields) {
    const within = pathWithin(path, name);
    into.names.set(within, at);
    const read = valueAt(each, within, field, environment, into, name);
    // A field without a value is a field left out.
    if (read !== null) value[name] = read;
  }
  return value;
}

function variable(node: MapNode, path: string, environment: Environment, mistakes: Mistake[]): unknown {
  const refuse = (message: string, mend: string) => {
    mistakes.push({ path, ...node.at, message, mend });
    return undefined;
  };
  const { env, default: fallback, ...others } = Object.fromEntries(node.fields);
  const extra = Object.keys(others)[0];
  if (extra !== undefined) return refuse(`"${extra}" cannot stand beside env`, 'write { env: NAME, default: VALUE }');
  const name = env?.value.kind === 'scalar' ? env.value.value : undefined;
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return refuse('env names no environment variable', 'write { env: NAME }, as in { env: TUNVS_SOURCE }');
  const text = environment[name];
  if (text !== undefined) return scalarOf(text);
  if (fallback?.value.kind === 'scalar' && fallback.value.value !== null) return fallback.value.value;
  return refuse(`the environment variable ${name} is not set`, `set it, or write { env: ${name}, default: VALUE }`);
}

function scalarOf(text: string): Scalar {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : text;
}
