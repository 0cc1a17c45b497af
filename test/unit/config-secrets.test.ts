/** What is secret stands in no listing, no error and no log. */
import { strict as assert } from 'node:assert';
import { mistakeSentence } from '../../lib/config/mistake.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { shownValues, showValues } from '../../lib/config/print-spec.js';
import { restartChanges } from '../../lib/config/apply/restart.js';
import { testedApi } from '../support/control.js';

const TOKEN = 'QmFzZTY0VG9rZW4tMDAwMDAwMDA';
const SEED = '12345678901234567890';
const configuration = (http: string, seed = SEED) =>
  `source: 10.2.0.2\nhashSeed: "${seed}"\ncontrol: { http: { port: 9480, tokens: ${http} } }\n`;
const read = (text: string) =>
  parseConfig(text, { path: '/etc/tunvs/tunvs.yaml', environment: { TUNVS_TOKEN: TOKEN, TOKEN_FILE: TOKEN } });

describe('secrets of a configuration', () => {
  const good = configuration('{ read: { env: TUNVS_TOKEN }, write: { file: write.token } }');

  it('are not among the values in force, on the screen or at /v1/config', async () => {
    const found = read(good);
    assert.ok('spec' in found, JSON.stringify(found));
    const api = testedApi({ spec: () => shownValues(found.spec, found.origins) });
    const answer = await api.ask('GET', '/v1/config', undefined, { access: 'read' });
    await api.director.close();
    for (const text of [showValues(shownValues(found.spec, found.origins)), answer.text]) {
      assert.match(text, /control\.http\.tokens\.read\.env/);
      assert.match(text, /hashSeed/);
      assert.doesNotMatch(text, new RegExp(`${TOKEN}|${SEED}`));
    }
  });

  it('are not in what a reload says of a change that needs a restart', () => {
    const [before, after] = [read(good), read(good.replace(SEED, '777777777777').replace('TUNVS_TOKEN', 'OTHER'))];
    assert.ok('spec' in before && 'spec' in after);
    const said = JSON.stringify(restartChanges(before.spec, after.spec));
    assert.match(said, /hashSeed needs a restart/);
    assert.doesNotMatch(said, new RegExp(`${TOKEN}|${SEED}|777777777777`));
  });

  for (const [name, tokens] of [
    ['in place of a map', `{ read: ${TOKEN} }`],
    ['in place of both', TOKEN],
    ['in a list', `[${TOKEN}]`],
    ['as the name of a variable', `{ read: { env: "${TOKEN}!" } }`],
    ['in a field that there is none of', `{ write: { token: ${TOKEN} } }`],
    ['in a list of files', `{ write: { file: [${TOKEN}] } }`],
  ] as const)
    it(`are not in the mistake of a token that is written ${name}`, () => {
      const found = read(configuration(tokens));
      assert.ok('mistakes' in found && found.mistakes.length > 0);
      assert.doesNotMatch(found.mistakes.map(mistakeSentence).join('\n'), new RegExp(TOKEN));
    });

  it('are not in the mistake of a seed that is none', () => {
    const found = read(configuration('{}', `x${SEED}`));
    assert.ok('mistakes' in found && found.mistakes.length > 0);
    assert.doesNotMatch(found.mistakes.map(mistakeSentence).join('\n'), new RegExp(SEED));
  });

  it('are not in the mistake of a seed that is too large', () => {
    const found = read(configuration('{}', '99999999999999999999'));
    assert.ok('mistakes' in found && found.mistakes.length > 0);
    assert.doesNotMatch(found.mistakes.map(mistakeSentence).join('\n'), /99999999999999999999/);
  });

  for (const [name, health] of [
    ['the URL of a webhook with a wrong scheme', `{ notify: { webhook: { url: "htps://u:${TOKEN}@h/" } } }`],
    ['headers of a webhook that are no map', `{ notify: { webhook: { url: "http://h/", headers: ${TOKEN} } } }`],
    ['a header of a webhook with the end of a line', webhookHeader(`"authorization": "${TOKEN}\\n"`)],
    ['a header of a check with the end of a line', `{ check: { http: { headers: { a: "${TOKEN}\\n" } } } }`],
    ['headers of a check that are no map', `{ check: { http: { headers: ${TOKEN} } } }`],
    ['an environment that is no map', `{ check: { exec: { path: /bin/true, environment: ${TOKEN} } } }`],
  ] as const)
    it(`are not in the mistake of ${name}`, () => {
      const found = read(`source: 10.2.0.2\nhealth: ${health}\n`);
      assert.ok('mistakes' in found && found.mistakes.length === 1);
      assert.doesNotMatch(found.mistakes.map(mistakeSentence).join('\n'), new RegExp(TOKEN));
    });

  it('are not in the URL of a webhook among the values in force', () => {
    const found = read(`source: 10.2.0.2\nhealth: { notify: { webhook: { url: "http://u:${TOKEN}@h/" } } }\n`);
    assert.ok('spec' in found);
    const said = showValues(shownValues(found.spec, found.origins));
    assert.match(said, /health\.notify\.webhook\.url/);
    assert.doesNotMatch(said, new RegExp(TOKEN));
  });

  it('a header of a webhook whose name cannot be sent is a mistake', () => {
    const found = read(`source: 10.2.0.2\nhealth: ${webhookHeader('"x token": t')}\n`);
    assert.ok('mistakes' in found && found.mistakes.length === 1);
  });
});

function webhookHeader(header: string): string {
  return `{ notify: { webhook: { url: "http://h/", headers: { ${header} } } } }`;
}
