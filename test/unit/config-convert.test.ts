/** Rules become configurations and configurations become rules, and nothing is lost unsaid. */
import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { verbs } from '../../lib/cli/verbs/index.js';
import { checkRules } from '../../lib/config/check-rules.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { printConfig, shownValues, showValues } from '../../lib/config/print-spec.js';
import { rulesFromSpec } from '../../lib/config/rules-from-spec.js';
import { specFromRules } from '../../lib/config/spec-from-rules.js';
import type { Rule } from '../../lib/rules/parse-rules.js';
import { printServiceId, printRule } from '../../lib/rules/print.js';
import { cli } from '../support/cli.js';
import { parsed } from '../support/configs.js';
import { golden, readGoldenJson } from '../support/golden.js';
import { anyCommand } from '../support/rules-arbitraries.js';

const SOURCE = ['192.0.2.254', '2001:db8:ffff:ffff:ffff:ffff:ffff:fffe'];

/** What rules of full NAT need, and do not say. */
const FULL_NAT = { sources: ['192.0.0.8', '100::1'] };

/** Puts servers behind their services, as a spec has them. */
function grouped(rules: readonly Rule[]): Rule[] {
  const services = rules.flatMap((rule) => (rule.command === 'addService' ? [rule] : []));
  return services.flatMap((service) => [
    service,
    ...rules.filter(
      (rule) => rule.command === 'addServer' && printServiceId(rule.service) === printServiceId(service.service),
    ),
  ]);
}

/** Returns the rules that a director takes of these lines. */
function taken(lines: readonly string[]): Rule[] {
  const { lines: read, mistakes } = checkRules(lines.join('\n'), 'any.rules');
  const wrong = new Set(mistakes.map(({ line }) => line));
  return read.filter(({ place }) => !wrong.has(place.line)).map(({ rule }) => rule);
}

const placed = (rules: readonly Rule[]) => rules.map((rule, at) => ({ rule, place: { file: 'r', line: at + 1 } }));

function assertSame(rules: readonly Rule[]): void {
  const { spec } = specFromRules(placed(rules));
  assert.deepEqual(rulesFromSpec(spec), { rules, lost: [] });
  const text = printConfig({ source: SOURCE, fullNat: FULL_NAT, ...spec });
  const again = parseConfig(text, { path: 'any.yaml' });
  assert.ok('spec' in again, `${text}\n${JSON.stringify(again)}`);
  const { source, fullNat, ...others } = again.spec;
  assert.deepEqual([source, fullNat], [SOURCE, FULL_NAT]);
  const both = [rulesFromSpec(others).rules, specFromRules(placed(rulesFromSpec(others).rules)).spec];
  assert.deepEqual(both, [rules, spec]);
}

/** Commands with what a director knows, each server behind a service that it belongs to. */
const anyRules = fc.array(anyCommand, { minLength: 1, maxLength: 8 }).map((commands) => {
  const lines = commands.flatMap((command) => {
    if (command.command === 'addService') {
      const { persistence } = command.settings;
      const known = { ...command.settings, scheduler: 'mh', ...(persistence && { persistence: { ...persistence } }) };
      if (known.persistence?.engine !== undefined) known.persistence.engine = 'sip';
      return [printRule({ ...command, settings: known })];
    }
    if (command.command !== 'addServer') return [];
    return [`-A ${printServiceId(command.service)} -s wrr -p 5`, printRule(command)];
  });
  return grouped(taken(lines));
});

describe('rules as a configuration', () => {
  it('come out the same, and so does the configuration', () => {
    let count = 0;
    fc.assert(
      fc.property(anyRules, (rules) => {
        count += rules.length;
        assertSame(rules);
      }),
      { numRuns: 400 },
    );
    assert.ok(count > 80, `${count} rules were tried`);
  });

  it('come out the same for all that was recorded of IPVS', () => {
    const traces = readdirSync(golden).filter((name) => name.endsWith('.json'));
    let count = 0;
    for (const name of traces) {
      const { ipvsadm } = readGoldenJson(name) as { ipvsadm?: string[] };
      if (!Array.isArray(ipvsadm)) continue;
      const { lines, mistakes } = checkRules(ipvsadm.join('\n'), name);
      assert.deepEqual(mistakes, [], name);
      const rules = lines.map(({ rule }) => rule);
      assert.deepEqual(rulesFromSpec(specFromRules(lines).spec), { rules: grouped(rules), lost: [] }, name);
      assert.equal(grouped(rules).length, rules.length, name);
      assertSame(grouped(rules));
      count++;
    }
    assert.ok(count > 100, `${count} traces have rules`);
  });

  it('keep their comments, and have what later rules made of them', async () => {
    const rules = `# the web
-A -t 192.0.2.1:80 -s rr # sticky
# strong
-a -t 192.0.2.1:80 -r 10.3.0.11 -i -w 2
-a -t 192.0.2.1:80 -r 10.3.0.12 -i
-e -t 192.0.2.1:80 -r 10.3.0.11 -i -w 5
-d -t 192.0.2.1:80 -r 10.3.0.12
-A -f 1 -s rr
-D -f 1
-E -t 192.0.2.1:80 -s wrr
mark 1 dport 80
mark 2 dport 81
mark delete 1 dport 80
--set 0 0 10
`;
    const result = await cli(['convert', '-', '--source', '10.2.0.2'], verbs, rules);
    assert.deepEqual(result, {
      exitCode: 0,
      stderr: '',
      stdout: `# yaml-language-server: $schema=https://unpkg.com/tunvs/schema/tunvs.schema.json

source: 10.2.0.2
timeouts:
  udp: 10
marks:
  - mark: 2
    port: 81
services:
  # the web
  # sticky
  - listen: tcp 192.0.2.1:80
    scheduler: wrr
    servers:
      # strong
      - { address: 10.3.0.11, weight: 5 }
`,
    });
  });
});

describe('a configuration as rules', () => {
  it('names what rules cannot hold, by path, and prints the rest', async () => {
    const text = `source: 10.2.0.2
timeouts: { tcp: 10, synRecv: 5 }
services:
  - listen: tcp 192.0.2.1:80
    slowStart: { seconds: 5 }
    servers: [10.3.0.11, { dns: web, port: 80 }]
log: { level: warn }
`;
    const { exitCode, stdout, stderr } = await cli(['convert', '-', '--to', 'rules'], verbs, text);
    assert.equal(
      stdout,
      '--set 10 0 0\n-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.3.0.11:80 -i -w 1 --tun-type ipip\n',
    );
    assert.deepEqual(
      [exitCode, stderr.trim().split('\n')],
      [
        0,
        [
          '-: source is left out: rules have no word for it',
          '-: log is left out: rules have no word for it',
          '-: timeouts.synRecv is left out: rules have no word for it',
          '-: services[0].slowStart is left out: rules have no word for it',
          '-: services[0].servers[1] is left out: rules name servers by their addresses alone',
        ],
      ],
    );
  });
});

describe('tunvs check', () => {
  const check = (text: string, ...more: string[]) => cli(['check', '-', ...more], verbs, text);

  it('says all mistakes of rules with their places, and fails', async () => {
    const rules =
      '-A -t 192.0.2.1:80 -s none\n-A -t 192.0.2.2:80\n-a -t 192.0.2.2:80 -r 300.1.1.1 -i\n-A -t 192.0.2.2:80\n';
    const { exitCode, stderr } = await check(rules);
    assert.equal(exitCode, 1);
    assert.deepEqual(
      stderr.match(/^-:\d+:\d+: /gm)?.map((place) => place.trim()),
      ['-:1:23:', '-:3:23:', '-:4:1:'],
      stderr,
    );
    assert.match(stderr, /tunvs check: -: 3 mistakes: mend what is named, and check again\n$/);
  });

  it('prints mistakes and warnings as JSON, and warnings alone change no exit code', async () => {
    const wrong = await check('source: 10.2.0.2\ninclude: none.d/*\npathMtu: 1', '--json');
    const { mistakes, warnings } = JSON.parse(wrong.stdout);
    assert.deepEqual([wrong.exitCode, mistakes.length, warnings.length], [1, 1, 1]);
    assert.deepEqual(Object.keys(mistakes[0]).sort(), ['column', 'file', 'line', 'mend', 'message', 'path']);
    const odd = await check('source: 10.2.0.2\ninclude: none.d/*');
    assert.deepEqual(
      [odd.exitCode, odd.stderr],
      [0, 'warning: -:2:10: include: "none.d/*" includes nothing: put files there, or leave it out\n'],
    );
  });
});

describe('tunvs config show', () => {
  it('prints each value with its origin', async () => {
    const { stdout } = await cli(
      ['config', 'show', '--config', '-'],
      verbs,
      'source: 10.2.0.2\nservices:\n  - mark: 3\n',
    );
    assert.equal(stdout, 'source: "10.2.0.2"  # -:1\nservices[0].mark: 3  # -:3\n');
  });

  it('keeps the seed of the hash from readers', () => {
    const { spec, origins } = parsed('source: 10.2.0.2\nhashSeed: 12345');
    const text = showValues(shownValues(spec, origins));
    assert.match(text, /^hashSeed: "\(secret\)" /m);
    assert.doesNotMatch(text, /12345/);
  });

  it('names the file of a value that was included', () => {
    const { spec, origins } = parsed('source: 10.2.0.2\ninclude: a.yaml', { '/etc/tunvs/a.yaml': '\nmark: 1' });
    assert.match(showValues(shownValues(spec, origins)), /^services\[0\]\.mark: 1 {2}# \/etc\/tunvs\/a\.yaml:2$/m);
  });
});
