/**
 * Where things stand below the prefix of a site. What directors are configured by lies in one range of keys, from
 * `director` to `services/`, so that one watch has all of it; what they tell lies outside of it.
 */

/** What a key of the configuration is. */
export type KeyRole =
  | { is: 'director' }
  | { is: 'service'; service: string }
  | { is: 'server'; service: string; server: string }
  | { is: 'drain'; member: string };

const PART = /^[^/\s\p{Cc}\ufffd]{1,255}$/u;

/** One part of a key, such as the name of a service. */
export const isPart = (text: string): boolean => PART.test(text);

/** Returns why the text is no prefix, or undefined. */
export function whyNoPrefix(text: string): string | undefined {
  if (!text.startsWith('/')) return 'it has to begin with /';
  if (text.endsWith('/')) return 'it ends with /: leave that out';
  if (text.length > 512) return 'it is longer than 512 characters';
  if (!text.slice(1).split('/').every(isPart)) return 'its parts are empty, or hold blanks';
  return undefined;
}

export class Layout {
  /** As in `/tunvs/site`. */
  readonly prefix: string;

  /** REQUIRES: the text is a prefix. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  get director(): string {
    return `${this.prefix}/director`;
  }

  get services(): string {
    return `${this.prefix}/services/`;
  }

  get states(): string {
    return `${this.prefix}/state/`;
  }

  get drains(): string {
    return `${this.prefix}/drain/`;
  }

  /** What probers have found. */
  get checks(): string {
    return `${this.prefix}/checks/`;
  }

  /** All that directors are configured by, and the wishes for a drain. */
  get configuration(): { key: string; end: string } {
    return { key: this.director, end: `${this.prefix}/services0` };
  }

  state(member: string): string {
    return `${this.states}${member}`;
  }

  drain(member: string): string {
    return `${this.drains}${member}`;
  }

  /** Returns what a key is; undefined when nothing reads it. */
  role(key: string): KeyRole | undefined {
    if (key === this.director) return { is: 'director' };
    if (!key.startsWith(`${this.prefix}/`)) return undefined;
    const parts = key.slice(this.prefix.length + 1).split('/');
    if (!parts.every(isPart)) return undefined;
    const [folder, name = '', servers, server = ''] = parts;
    if (folder === 'drain' && parts.length === 2) return { is: 'drain', member: name };
    if (folder !== 'services') return undefined;
    if (parts.length === 2) return { is: 'service', service: name };
    if (parts.length === 4 && servers === 'servers') return { is: 'server', service: name, server };
    return undefined;
  }
}
