/**
 * Reads a configuration file and the files that it includes. An included file holds a service, a list of services, or
 * fields that add to the whole: `services`, `marks` and `include`.
 */
import { basename, dirname, resolve } from 'node:path';
import type { Mistake } from '../mistake.js';
import type { Origin } from '../spec.js';
import { type ConfigFiles, whyUnread } from './files.js';
import type { ConfigNode, ListNode, MapNode } from './node.js';
import { readText } from './read-text.js';
import { readYaml } from './read-yaml.js';

const READ_IN_FOLDERS = /\.(ya?ml|json)$/;
const MAX_FILES = 20_000;

export interface Gathered {
  root: MapNode | undefined;
  mistakes: Mistake[];
  warnings: Mistake[];
  /** All files that were read, the first one first. */
  files: string[];
}

export function gather(given: string | Uint8Array, path: string, files: ConfigFiles): Gathered {
  return new Gathering(files).whole(given, path);
}

class Gathering {
  readonly #files: ConfigFiles;
  readonly #mistakes: Mistake[] = [];
  readonly #warnings: Mistake[] = [];
  /** By identity. */
  readonly #seen = new Map<string, string>();
  #services: ListNode | undefined;
  #marks: ListNode | undefined;

  constructor(files: ConfigFiles) {
    this.#files = files;
  }

  whole(given: string | Uint8Array, path: string): Gathered {
    this.#seen.set(this.#identity(path), path);
    const node = this.#read(given, path);
    const root = this.#asRoot(node, path);
    if (root !== undefined) {
      for (const name of ['services', 'marks'] as const) {
        const list = root.fields.get(name)?.value;
        if (list?.kind === 'list') this.#addAll(name, list.items, list.at);
      }
      this.#includes(root, path);
      this.#put(root, 'services', this.#services);
      this.#put(root, 'marks', this.#marks);
    }
    return { root, mistakes: this.#mistakes, warnings: this.#warnings, files: [...this.#seen.values()] };
  }

  #asRoot(node: ConfigNode | undefined, file: string): MapNode | undefined {
    if (node?.kind === 'map') return node;
    if (this.#mistakes.length > 0) return undefined;
    const at = node?.at ?? { file, line: 1, column: 1 };
    if (node === undefined || (node.kind === 'scalar' && node.value === null))
      return { kind: 'map', fields: new Map(), at };
    this.#mistake(at, 'the file holds no fields', 'write fields, as in source: 10.2.0.2');
    return undefined;
  }

  /** A list of the wrong kind stays where it is, so that the schema refuses it. */
  #put(root: MapNode, name: 'services' | 'marks', list: ListNode | undefined): void {
    const before = root.fields.get(name);
    if (list !== undefined && (before === undefined || before.value.kind === 'list'))
      root.fields.set(name, { at: before?.at ?? list.at, value: list });
  }

  #addAll(name: 'services' | 'marks', items: readonly ConfigNode[], at: Origin): void {
    if (name === 'services') this.#services ??= { kind: 'list', items: [], at };
    else this.#marks ??= { kind: 'list', items: [], at };
    const list = (name === 'services' ? this.#services : this.#marks) as ListNode;
    for (const item of items) list.items.push(item);
  }

  #includes(map: MapNode, file: string): void {
    const include = map.fields.get('include');
    if (include === undefined) return;
    map.fields.delete('include');
    const { value } = include;
    for (const each of value.kind === 'list' ? value.items : [value]) {
      if (each.kind === 'scalar' && typeof each.value === 'string' && each.value !== '')
        this.#include(each.value, file, each.at);
      else this.#mistake(each.at, 'this cannot be included', 'write a file, a folder or a pattern', 'include');
    }
  }

  #include(pattern: string, from: string, at: Origin): void {
    const whole = resolve(dirname(from), pattern);
    try {
      for (const path of this.#matching(whole, pattern, at)) this.#file(path, at);
    } catch (error) {
      this.#mistake(at, `"${pattern}": ${whyUnread(error)}`, 'name a file that can be read', 'include');
    }
  }

  #matching(whole: string, pattern: string, at: Origin): string[] {
    const isPattern = /[*?]/.test(basename(whole));
    if (!isPattern && this.#files.kind(whole) !== 'folder') return [whole];
    const folder = isPattern ? dirname(whole) : whole;
    const matches = isPattern ? wildcard(basename(whole)) : READ_IN_FOLDERS;
    const names = this.#files.kind(folder) === undefined ? [] : this.#files.list(folder);
    const found = names.filter((name) => !name.startsWith('.') && matches.test(name)).sort();
    if (found.length === 0)
      this.#warnings.push({
        path: 'include',
        ...at,
        message: `"${pattern}" includes nothing`,
        mend: isPattern ? 'put files there, or leave it out' : 'put .yaml or .json files there, or leave it out',
      });
    return found.map((name) => resolve(folder, name));
  }

  #file(path: string, at: Origin): void {
    const kind = this.#files.kind(path);
    if (kind === 'folder' || kind === 'other') {
      const what = kind === 'folder' ? 'a folder' : 'no ordinary file';
      return this.#mistake(at, `"${path}" is ${what}`, 'include files alone', 'include');
    }
    let identity: string;
    let given: string | Uint8Array;
    try {
      identity = this.#files.identity(path);
      if (this.#seen.has(identity))
        return this.#mistake(
          at,
          `"${path}" is included already`,
          'include each file once, and in no circle',
          'include',
        );
      if (this.#seen.size >= MAX_FILES)
        return this.#mistake(at, `more than ${MAX_FILES} files are included`, 'put services together', 'include');
      given = this.#files.read(path);
    } catch (error) {
      return this.#mistake(at, `"${path}": ${whyUnread(error)}`, 'name a file that can be read', 'include');
    }
    this.#seen.set(identity, path);
    const node = this.#read(given, path);
    if (node !== undefined) this.#add(node, path);
  }

  #add(node: ConfigNode, path: string): void {
    if (node.kind === 'list') return this.#addAll('services', node.items, node.at);
    if (node.kind === 'scalar') {
      if (node.value !== null) this.#mistake(node.at, 'the file holds no service', 'write the fields of a service');
      return;
    }
    if (!['services', 'marks', 'include'].some((name) => node.fields.has(name)))
      return this.#addAll('services', [node], node.at);
    this.#includes(node, path);
    for (const [name, { at, value }] of node.fields) {
      if (name !== 'services' && name !== 'marks')
        this.#mistake(
          at,
          `"${name}" cannot stand in an included file`,
          'write it in the file that includes this one',
          name,
        );
      else if (value.kind === 'list') this.#addAll(name, value.items, value.at);
      else if (value.kind !== 'scalar' || value.value !== null)
        this.#mistake(value.at, 'this is no list', 'write a list, each item after a dash', name);
    }
  }

  #read(given: string | Uint8Array, file: string): ConfigNode | undefined {
    const text = readText(given, file);
    if (typeof text !== 'string') {
      this.#mistakes.push(text);
      return undefined;
    }
    const { node, mistakes } = readYaml(text, file);
    for (const each of mistakes) this.#mistakes.push(each);
    return node;
  }

  #identity(path: string): string {
    try {
      return this.#files.identity(path);
    } catch {
      // Standard input, or a text that lies in no file, can be included by nobody.
      return path;
    }
  }

  #mistake(at: Origin, message: string, mend: string, path = ''): void {
    this.#mistakes.push({ path, ...at, message, mend });
  }
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${escaped}$`, 's');
}
