/**
 * Puts what stands in parts, such as the values of keys, into a configuration. Whoever may write them may say where
 * packets go, and not what the director's host runs or reads.
 */
import type { Mistake } from '../mistake.js';
import type { Origin } from '../spec.js';
import type { ConfigNode, ListNode, MapNode } from './node.js';
import { readText } from './read-text.js';
import { readYaml } from './read-yaml.js';

/** A text in YAML or JSON that stands in no file. */
export interface ConfigPart {
  /** Names it in mistakes. */
  name: string;
  text: string;
}

export interface ConfigParts {
  /** Settings of the whole; what the file says itself counts more. */
  settings?: ConfigPart;
  services: ServicePart[];
}

export interface ServicePart {
  /** Without a text there are servers alone, which is a mistake. */
  service: { name: string; text?: string };
  servers: ConfigPart[];
}

/** Of the whole. All else belongs to the director and not to its site. */
const SETTINGS: readonly string[] = ['timeouts', 'sysctls', 'marks', 'health'];

/** They name programs, modules, variables or files of the host. */
const OF_THE_HOST: readonly string[] = ['policy', 'include', 'env', 'notify', 'exec', 'file'];

export function addParts(root: MapNode, parts: ConfigParts): Mistake[] {
  return new Adding(root).all(parts);
}

class Adding {
  readonly #root: MapNode;
  readonly #mistakes: Mistake[] = [];

  constructor(root: MapNode) {
    this.#root = root;
  }

  all({ settings, services }: ConfigParts): Mistake[] {
    if (settings !== undefined) this.#settings(settings);
    for (const each of services) this.#service(each);
    return this.#mistakes;
  }

  #settings(part: ConfigPart): void {
    const node = this.#read(part);
    if (node === undefined || isNothing(node)) return;
    if (node.kind !== 'map') return this.#mistake(node.at, 'it holds no fields', 'write fields, as in timeouts: {}');
    for (const [name, field] of node.fields) {
      const before = this.#root.fields.get(name);
      if (!SETTINGS.includes(name))
        this.#mistake(
          field.at,
          `"${name}" cannot stand here`,
          `write it in the file of --config; here stand ${SETTINGS.join(', ')}`,
        );
      else if (name === 'marks' && before?.value.kind === 'list' && field.value.kind === 'list')
        before.value.items.push(...field.value.items);
      else if (before === undefined) this.#root.fields.set(name, field);
    }
  }

  #service({ service: { name, text }, servers }: ServicePart): void {
    if (text === undefined) {
      const at = { file: name, line: 1, column: 1 };
      return this.#mistake(
        at,
        'there are servers of this service, and no service',
        'put the service, or delete its servers',
      );
    }
    const node = this.#read({ name, text });
    if (node === undefined) return;
    if (node.kind !== 'map')
      return this.#mistake(node.at, 'it holds no service', 'write its fields, as in listen: tcp 192.0.2.1:80');
    this.#list(this.#root, 'services', node.at)?.items.push(node);
    for (const each of servers) this.#server(node, each);
  }

  #server(service: MapNode, part: ConfigPart): void {
    const node = this.#read(part);
    if (node === undefined) return;
    if (node.kind === 'list' || isNothing(node))
      return this.#mistake(node.at, 'it holds no real server', 'write its fields, as in address: 10.3.0.11');
    this.#list(service, 'servers', node.at)?.items.push(node);
  }

  /** Undefined where something else stands in its place, which the schema refuses. */
  #list(map: MapNode, name: string, at: Origin): ListNode | undefined {
    const before = map.fields.get(name)?.value;
    if (before?.kind === 'list') return before;
    if (before !== undefined && !isNothing(before)) return undefined;
    const value: ListNode = { kind: 'list', items: [], at };
    map.fields.set(name, { at, value });
    return value;
  }

  #read({ name, text }: ConfigPart): ConfigNode | undefined {
    const read = readText(text, name);
    if (typeof read !== 'string') {
      this.#mistakes.push(read);
      return undefined;
    }
    const { node, mistakes } = readYaml(read, name);
    for (const each of mistakes) this.#mistakes.push(each);
    if (mistakes.length > 0) return undefined;
    if (node !== undefined) this.#refuseHost(node);
    return node ?? { kind: 'scalar', value: null, at: { file: name, line: 1, column: 1 } };
  }

  #refuseHost(node: ConfigNode): void {
    if (node.kind === 'list') for (const each of node.items) this.#refuseHost(each);
    if (node.kind !== 'map') return;
    for (const [name, { at, value }] of node.fields) {
      const isModule = name === 'check' && value.kind === 'scalar' && /^\.{0,2}\//.test(String(value.value));
      if (OF_THE_HOST.includes(name) || isModule)
        this.#mistake(
          at,
          `"${name}" names what the director's host runs or reads, and cannot stand here`,
          'write such a service in the file of --config',
        );
      else this.#refuseHost(value);
    }
  }

  #mistake(at: Origin, message: string, mend: string): void {
    this.#mistakes.push({ path: '', ...at, message, mend });
  }
}

const isNothing = (node: ConfigNode) => node.kind === 'scalar' && node.value === null;
