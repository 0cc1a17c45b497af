/** Samples of keepalived's configuration, and what is made of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { mistakeSentence } from '../../lib/config/mistake.js';
import { printConfig } from '../../lib/config/print-spec.js';
import { parseKeepalived } from '../../lib/keepalived/parse-keepalived.js';
import { memoryFiles } from './configs.js';

const FOLDER = new URL('../../../test/keepalived/', import.meta.url);
const PLACE = '/etc/keepalived';

const ACCOUNTS = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
  '/etc/group': 'root:x:0:\nnogroup:x:65534:\n',
};

const textOf = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');

/** Without their extension. */
export const keepalivedSamples: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.conf'))
  .map((name) => name.replace(/\.conf$/, ''));

export const sampleText = (name: string) => textOf(`${name}.conf`);

/** What is checked in: what is said, a line each, then the configuration that comes of it, if it has no mistakes. */
export const sampleExpected = (name: string) => textOf(`${name}.expected`);

/** `edit` may change the text before it is read. */
export function readSample(name: string, edit = (text: string) => text) {
  const parts = readdirSync(new URL('parts/', FOLDER)).map((each) => [
    `${PLACE}/parts/${each}`,
    textOf(`parts/${each}`),
  ]);
  const files = memoryFiles({ ...ACCOUNTS, ...Object.fromEntries(parts) });
  return parseKeepalived(edit(sampleText(name)), {
    path: `${PLACE}/${name}.conf`,
    files,
    id: 'main',
    source: ['192.0.2.250', '2001:db8::250'],
  });
}

export function madeOfSample(name: string): string {
  const found = readSample(name);
  const lines = [
    ...('mistakes' in found ? found.mistakes : []).map(mistakeSentence),
    ...found.warnings.map((each) => `warning: ${mistakeSentence(each)}`),
  ].map((line) => `${line.replaceAll(`${PLACE}/`, '')}\n`);
  return `${lines.join('')}${'spec' in found ? printConfig(found.spec) : ''}`;
}
