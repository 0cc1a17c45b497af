/** The fields of a configuration that is being made, each with the place in keepalived's files that it comes from. */
import type { Origin } from '../../config/spec.js';
import { pathWithin } from '../../config/mistake.js';
import type { Place } from '../language/place.js';

export class Fields {
  readonly #fields = new Map<string, { value: unknown; place: Place }>();
  readonly place: Place;

  /** `place` is that of the fields as a whole. */
  constructor(place: Place) {
    this.place = place;
  }

  /** Sets nothing where the value is undefined. */
  set(name: string, value: unknown, place: Place = this.place): this {
    if (value !== undefined) this.#fields.set(name, { value, place });
    return this;
  }

  get(name: string): unknown {
    return this.#fields.get(name)?.value;
  }

  placeOf(name: string): Place | undefined {
    return this.#fields.get(name)?.place;
  }

  delete(name: string): void {
    this.#fields.delete(name);
  }

  get isEmpty(): boolean {
    return this.#fields.size === 0;
  }

  get entries(): [string, { value: unknown; place: Place }][] {
    return [...this.#fields];
  }

  /** Takes the other's fields over its own. */
  add(other: Fields): this {
    for (const [name, field] of other.#fields) this.#fields.set(name, field);
    return this;
  }
}

/** Returns the plain value, and notes the origin of each part by its path. */
export function written(value: unknown, place: Place, path = '', origins?: Map<string, Origin>): unknown {
  const at = value instanceof Fields ? value.place : place;
  origins?.set(path, { file: at.file, line: at.line, column: 1 });
  if (value instanceof Fields)
    return Object.fromEntries(
      value.entries.map(([name, field]) => [name, written(field.value, field.place, pathWithin(path, name), origins)]),
    );
  if (Array.isArray(value)) return value.map((each, index) => written(each, at, pathWithin(path, index), origins));
  return value;
}

/** What a value says, wherever it stands. */
export const textOf = (value: unknown) => JSON.stringify(written(value, { file: '', line: 0 }));

export const isSame = (left: unknown, right: unknown) => textOf(left) === textOf(right);
