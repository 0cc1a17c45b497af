/** Whatever the text, a configuration is read or its mistakes are named, each within its file. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parseConfig } from '../../lib/config/parse-config.js';
import { memoryFiles } from '../support/configs.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

const folder = new URL('../../../examples/config/', import.meta.url);
const seeds = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));

const INCLUDED = { '/etc/tunvs/services.d/a.yaml': 'listen: tcp 192.0.2.77:80\n', '/etc/tunvs/b.yaml': '[1, {}]\n' };

function check(text: string | Uint8Array): void {
  const files = memoryFiles({ ...INCLUDED, '/etc/tunvs/any.yaml': '' });
  const begin = process.cpuUsage();
  const config = parseConfig(text, { path: '/etc/tunvs/any.yaml', files, environment: {} });
  const { user, system } = process.cpuUsage(begin);
  assert.ok(user + system < 5e6, 'it took more than five seconds of a CPU');
  const shown = typeof text === 'string' ? text : new TextDecoder().decode(text);
  const lines = shown.replace(/^\uFEFF/, '').split('\n');
  if ('mistakes' in config) assert.ok(config.mistakes.length > 0, 'neither a spec nor a mistake');
  for (const mistake of [...('mistakes' in config ? config.mistakes : []), ...config.warnings]) {
    const { file, line, column, message, mend } = mistake;
    assert.ok(message !== '' && mend !== '', JSON.stringify(mistake));
    if (file !== '/etc/tunvs/any.yaml') continue;
    assert.ok(line >= 1 && line <= lines.length, `${JSON.stringify(mistake)} of ${lines.length} lines`);
    assert.ok(column >= 1 && column <= (lines[line - 1] as string).length + 1, JSON.stringify(mistake));
  }
}

const piece = fc.oneof(
  fc.constantFrom(
    ...['source: ', 'services:\n', '  - ', 'listen: ', 'tcp 192.0.2.1:80', 'servers: ', '[', ']', '{', '}', ', ', ': '],
    ...[
      '&a ',
      '*a',
      '<<: ',
      '!!binary ',
      '? ',
      '| \n',
      '> \n',
      '"',
      "'",
      '\t',
      '\r\n',
      '\n',
      '---\n',
      '...\n',
      '#',
      '\0',
    ],
    ...[
      'include: services.d\n',
      'include: b.yaml\n',
      'include: any.yaml\n',
      '{ env: X }',
      '__proto__: ',
      'constructor: ',
    ],
    ...['null', '-1', '1e999', '.nan', '0x7f', '10s', '4KiB', '99999999999999999999', 'timeouts: ', 'policy: ./x.js'],
  ),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);

/** An example with pieces put into it, or parts of it taken out or moved. */
const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(40), piece), { minLength: 1, maxLength: 4 }))
  .map(([seed, changes]) =>
    changes.reduce((text, [where, length, put]) => {
      const at = where % (text.length + 1);
      return text.slice(0, at) + put + text.slice(at + (length > 20 ? 0 : length));
    }, seed),
  );

describe('any text as a configuration', () => {
  it('is read or refused, when it is an example that was damaged', () => {
    fc.assert(fc.property(mutated, check), { numRuns: fuzzRuns(300) });
  });

  it('is read or refused, when it is pieces of YAML in any order', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join('')),
        check,
      ),
      { numRuns: fuzzRuns(800) },
    );
  });

  it('is read or refused, when it is any value as JSON', () => {
    const fields = fc.constantFrom(
      'source',
      'services',
      'servers',
      'marks',
      'device',
      'control',
      'timeouts',
      'env',
      'x',
    );
    const leaf = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom(1, 80, 'tcp 192.0.2.1:80', '10.3.0.1', [], {}),
    );
    const map = fc.dictionary(fields, leaf, { maxKeys: 4 });
    const inner = fc.oneof(leaf, map, fc.array(map, { maxLength: 3 }));
    const value = fc.oneof(inner, fc.dictionary(fields, inner, { maxKeys: 4 }));
    const whole = fc.dictionary(fields, value, { maxKeys: 5 }).map((given) => JSON.stringify(given));
    fc.assert(fc.property(whole, check), { numRuns: fuzzRuns(250) });
  });

  it('is read or refused, when it is no text', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: fuzzRuns(400) });
  });

  it('is read or refused soon, when it repeats aliases or mistakes without end', () => {
    check(`a: &x x\nb: [${'*x,'.repeat(50_000)}]`);
    const wrong = `source: [${'1,'.repeat(150_000)}]`;
    assert.ok('mistakes' in parseConfig(wrong, { path: '/etc/tunvs/any.yaml', files: memoryFiles({}) }));
  });

  it('is read with the anchor that stands last before each alias', () => {
    const text = 'source: &a 10.2.0.2\nservices: [{ listen: tcp *a }]\n'.replace('tcp *a', '"tcp 192.0.2.1:80"');
    const more =
      'marks: [{ mark: &m 7, protocol: tcp, port: 80, destination: &v 192.0.2.1 }, { mark: &m 8, protocol: tcp, port: *m, destination: *v }]\n';
    const config = parseConfig(text + more, { path: '/etc/tunvs/any.yaml', files: memoryFiles({}), environment: {} });
    assert.ok(!('mistakes' in config), JSON.stringify(config));
    assert.deepEqual(
      config.spec.marks?.map(({ port }) => port),
      [80, 8],
    );
  });
});
