/** Reads YAML 1.2, and JSON as a part of it, into nodes with places. Whatever the text, it takes bounded time. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { Mistake } from '../mistake.js';
import type { Origin } from '../spec.js';
import type { ConfigNode, MapNode, Scalar } from './node.js';

/** A configuration is some six levels deep. */
const MAX_DEPTH = 32;
/** How many parts aliases may add to a file. */
const MAX_ALIASED = 100_000;
const MAX_SYNTAX_MISTAKES = 20;

export interface ReadNode {
  /** Undefined when the file says nothing, or cannot be understood. */
  node: ConfigNode | undefined;
  mistakes: Mistake[];
}

export function readYaml(text: string, file: string): ReadNode {
  const deep = tooDeep(text);
  const places = new Places(file, text);
  if (deep !== undefined) return { node: undefined, mistakes: [nestedTooDeeply(places.at(deep))] };
  try {
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, schema: 'core' });
    return new Reading(document, places).read();
  } catch (error) {
    // The parser calls itself for each level.
    if (!(error instanceof RangeError)) throw error;
    return { node: undefined, mistakes: [nestedTooDeeply({ file, line: 1, column: 1 })] };
  }
}

/** Returns where brackets open one level too many. Brackets in texts and comments count as well, which errs on the safe side. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  const limit = MAX_DEPTH * 8;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > limit) return at;
  }
  return undefined;
}

function nestedTooDeeply(at: Origin): Mistake {
  return {
    path: '',
    ...at,
    message: `the file is nested more than ${MAX_DEPTH} levels deep`,
    mend: 'write fields as the schema has them',
  };
}

/** The parser's own count of lines is wrong behind some mistakes. */
class Places {
  readonly #file: string;
  readonly #length: number;
  readonly #starts = [0];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#length = text.length;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  at(offset: number): Origin {
    const within = Math.min(Math.max(0, offset), this.#length);
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= within) low = middle;
      else high = middle;
    }
    return { file: this.#file, line: low + 1, column: within - (this.#starts[low] as number) + 1 };
  }
}

class Reading {
  readonly #document: Document.Parsed;
  readonly #places: Places;
  readonly #mistakes: Mistake[] = [];
  /** Parts that came by an alias. */
  #aliased = 0;
  #aliasDepth = 0;
  /** What an alias of the name stands for. The parser would look for each alias from the beginning. */
  readonly #anchors = new Map<string, Node>();
  #isOver = false;

  constructor(document: Document.Parsed, places: Places) {
    this.#document = document;
    this.#places = places;
  }

  read(): ReadNode {
    const { errors, warnings, contents } = this.#document;
    for (const { message, pos } of [...errors, ...warnings].slice(0, MAX_SYNTAX_MISTAKES)) {
      const [first = ''] = message.split('\n');
      if (/call stack/.test(message)) {
        this.#mistakes.push(nestedTooDeeply(this.#places.at(pos[0])));
        continue;
      }
      this.#add(pos[0], `this is not YAML: ${lowered(first)}`, mendOf(message));
    }
    const node = errors.length > 0 || contents === null ? undefined : this.#node(contents as Node, 0);
    return { node: this.#mistakes.length > 0 ? undefined : node, mistakes: this.#mistakes };
  }

  #add(offset: number, message: string, mend: string): void {
    this.#mistakes.push({ path: '', ...this.#places.at(offset), message, mend });
  }

  #node(node: Node, depth: number): ConfigNode {
    const offset = node.range?.[0] ?? 0;
    const at = this.#places.at(offset);
    const nothing: ConfigNode = { kind: 'scalar', value: null, at };
    if (this.#isOver) return nothing;
    if (this.#aliasDepth > 0 && ++this.#aliased > MAX_ALIASED) {
      this.#isOver = true;
      this.#add(offset, `aliases make more than ${MAX_ALIASED} values of this`, 'write the values out');
      return nothing;
    }
    if (depth > MAX_DEPTH) {
      this.#isOver = true;
      this.#mistakes.push(nestedTooDeeply(at));
      return nothing;
    }
    if (isAlias(node)) return this.#alias(this.#anchors.get(node.source), node.source, offset, depth) ?? nothing;
    this.#remember(node);
    if (isMap(node)) return this.#map(node.items as Pair[], at, depth);
    if (isSeq(node))
      return { kind: 'list', at, items: (node.items as Node[]).map((item) => this.#node(item, depth + 1)) };
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'object' && value !== null)
      this.#add(offset, 'the tag of this value has no meaning', 'leave it out');
    return { kind: 'scalar', at, value: value as Scalar };
  }

  #remember(node: Node | null): void {
    const { anchor } = (node ?? {}) as { anchor?: string };
    // What an alias repeats is as it was before.
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, node as Node);
  }

  #alias(target: Node | undefined, name: string, offset: number, depth: number): ConfigNode | undefined {
    if (target === undefined) {
      this.#add(offset, `there is no anchor &${name} before this alias`, 'write the value out');
      return undefined;
    }
    this.#aliasDepth++;
    const node = this.#node(target, depth + 1);
    this.#aliasDepth--;
    return node;
  }

  #map(pairs: readonly Pair[], at: Origin, depth: number): MapNode {
    const fields: MapNode['fields'] = new Map();
    for (const { key, value } of pairs) {
      const offset = key?.range?.[0] ?? 0;
      const keyAt = this.#places.at(offset);
      this.#remember(key);
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        this.#add(offset, 'the name of a field is missing, or is no text', 'write NAME: VALUE');
        continue;
      }
      const name = String(key.value);
      const before = fields.get(name);
      if (name === '<<') this.#add(offset, 'merge keys are no part of YAML 1.2', 'write the fields out');
      else if (before !== undefined)
        this.#add(offset, `"${name}" is given twice, first in line ${before.at.line}`, 'keep one of them');
      else {
        const read = value === null ? undefined : this.#node(value as Node, depth + 1);
        fields.set(name, { at: keyAt, value: read ?? { kind: 'scalar', value: null, at: keyAt } });
      }
    }
    return { kind: 'map', fields, at };
  }
}

interface Pair {
  key: Node | null;
  value: Node | null;
}

const lowered = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');

function mendOf(message: string): string {
  if (/^Tabs /.test(message)) return 'indent with spaces';
  if (/multiple documents|multiple roots/i.test(message)) return 'keep one document, and include the others';
  if (/indent/i.test(message)) return 'indent each level by the same number of spaces';
  if (/tag/i.test(message)) return 'leave the tag out';
  if (/quote/i.test(message)) return 'close the quote';
  return 'mend the syntax';
}
