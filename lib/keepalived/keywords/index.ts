/** All keywords of a configuration, from the top level down. */
import { daemonKeywords } from './global.js';
import type { Keywords } from './keyword.js';
import { lvsKeywords } from './lvs.js';
import { vrrpKeywords } from './vrrp.js';

export const topKeywords: Keywords = { ...daemonKeywords, ...lvsKeywords, ...vrrpKeywords };

/** What the reader itself does; it stands in no block. */
export const languageKeywords: Readonly<Record<string, string>> = {
  include: 'Reads files by a name or a pattern; what cannot be read is a warning.',
  includer: 'Is include, and refuses files that cannot be read.',
  includem: 'Is include, and refuses a pattern that means nothing.',
  includew: 'Is include, and refuses a pattern that means nothing.',
  includeb: 'Is include, and refuses a pattern that means nothing.',
  includea: 'Is include, and refuses all of these.',
};
