/**
 * Every command with every option and every pair of options, as ipvsadm 1.31 accepts or refuses them (found by running
 * it).
 */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm } from '../support/adm.js';

const SERVICE = ['-s rr', '-p', '-p 60', '-M 255.255.255.0', '--pe sip', '-b flag-1'];
const SERVER = ['-g', '-i', '-m', '-w 3', '-x 9', '-y 3'];
const TUNNEL = ['--tun-type ipip', '--tun-type gue', '--tun-type gre', '--tun-port 6080'];
const CHECKSUM = ['--tun-nocsum', '--tun-csum', '--tun-remcsum'];
const LISTS = ['-c', '--timeout', '--daemon'];
const COLUMNS = ['--stats', '--rate', '--thresholds'];
const VIEW = ['-n', '--nosort', '-X', '--persistent-conn', '--tun-info', '--syncid 3'];
const MULTICAST = ['--mcast-interface lo', '--sync-maxlen 1400', '--mcast-group 224.0.0.81', '--mcast-port 8848'];

/** Each option once, with a right value. Every command accepts `--sort`. */
const OPTIONS = [
  ...new Set([...SERVICE, '-b sh-port', '-o', '-6', ...SERVER, ...TUNNEL, ...CHECKSUM, ...LISTS, ...COLUMNS, ...VIEW]),
  ...[...MULTICAST, '--mcast-ttl 2', '--sort'],
];

const pairs = (left: string[], right: string[]) => left.flatMap((a) => right.map((b) => `${a} ${b}`));

/**
 * Commands with what they need: the options that each takes one at a time, and the pairs for which that is not the whole
 * truth.
 */
const COMMANDS: { base: string; takes: string[]; butNot?: string[]; butAlso?: string[] }[] = [
  ...['-A', '-E'].flatMap((command) => [
    { base: `${command} -t 192.0.2.1:80`, takes: SERVICE, butNot: ['-p -p 60'] },
    { base: `${command} -u 192.0.2.1:80`, takes: [...SERVICE, '-o'], butNot: ['-p -p 60'] },
    // ipvsadm accepts the last of these and drops the mask; a mask of the other family is a mistake all the same.
    { base: `${command} -f 7`, takes: [...SERVICE, '-o', '-6'], butNot: ['-p -p 60', '-M 255.255.255.0 -6'] },
  ]),
  { base: '-D -t 192.0.2.1:80', takes: [] },
  { base: '-D -f 7', takes: ['-6'] },
  { base: '-C', takes: [] },
  { base: '-R', takes: [] },
  { base: '-S', takes: ['-n'] },
  ...['-a', '-e'].flatMap((command) =>
    ['-t 192.0.2.1:80', '-f 7'].map((service) => ({
      base: `${command} ${service} -r 192.0.2.9`,
      takes: SERVER,
      butNot: ['-g -i', '-g -m', '-i -m'],
      butAlso: ['-i --tun-type ipip', '-i --tun-type gre', ...(service.startsWith('-f') ? ['-6 -i'] : [])],
    })),
  ),
  { base: '-d -t 192.0.2.1:80 -r 192.0.2.9', takes: [] },
  {
    base: '-L',
    takes: [...LISTS, ...COLUMNS, ...VIEW],
    butNot: [
      ...['-c --timeout', '-c --daemon', '--timeout --daemon'],
      ...pairs(LISTS, COLUMNS),
      ...pairs(['--timeout', '--daemon'], ['--persistent-conn']),
    ],
  },
  { base: '-L -t 192.0.2.1:80', takes: [...COLUMNS, ...VIEW] },
  { base: '-Z', takes: [] },
  { base: '-Z -t 192.0.2.1:80', takes: [] },
  { base: '--set 900 120 300', takes: [] },
  { base: '--start-daemon master', takes: [...MULTICAST, '--mcast-ttl 2', '--syncid 3'] },
  { base: '--stop-daemon master', takes: ['--syncid 3'] },
  { base: '-h', takes: OPTIONS },
  { base: '-v', takes: OPTIONS },
];

function isTaken(rule: string): boolean {
  try {
    parseCommandLine(rule);
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_TUNVS_RULES', rule);
    return false;
  }
}

/** Checks all in one test, not in one test each: there are thousands. */
function assertTaken(expected: [rule: string, isTaken: boolean][]): void {
  const wrong = expected.filter(([rule, taken]) => isTaken(rule) !== taken);
  assert.deepEqual(
    wrong.map(([rule, taken]) => `${rule}: ipvsadm ${taken ? 'takes' : 'refuses'} it`),
    [],
  );
}

/** What a command finds when it comes, so that nothing but its options is at stake. */
function foundBy(base: string): string[] {
  if (/^-A/.test(base)) return ['-C'];
  const services = ['-C', '-A -t 192.0.2.1:80', '-A -u 192.0.2.1:80', '-A -f 7', '-A -f 7 -6'];
  if (!/^-[ed]/.test(base)) return services;
  return [...services, ...['-t 192.0.2.1:80', '-f 7', '-f 7 -6'].map((service) => `-a ${service} -r 192.0.2.9 -i`)];
}

/** What is refused although its options are right: by the kernel, or because it does not exist yet. */
const REFUSED: [RegExp, text: RegExp, exit: number][] = [
  [/^--st(art|op)-daemon/, /^an offline director has no connection sync/, 255],
  [/^-[ae](?!.* -x ).* -y /, /^Numerical result out of range\n$/, 255],
];

/** Checks all by the executor: what it prints and its exit status. */
async function assertExecuted(base: string, expected: [rule: string, isTaken: boolean][]): Promise<void> {
  await using director = Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 1024 });
  const session = new RulesSession(director);
  const before = foundBy(base).join('\n');
  const wrong: string[] = [];
  for (const [rule, isTaken] of expected) {
    await callAdm(session, '-R', { stdin: before });
    const { err, exit } = await callAdm(session, rule);
    const [, text, status] = REFUSED.find(([pattern]) => isTaken && pattern.test(rule)) ?? [];
    const isAsExpected = text
      ? text.test(err) && exit === status
      : isTaken
        ? exit === 0 && err === ''
        : (exit === 2 || exit === 255) && err !== '';
    if (!isAsExpected) wrong.push(`${rule}: ${exit} ${err}`);
  }
  assert.deepEqual(wrong, []);
}

describe('options of rules, as ipvsadm takes them', () => {
  for (const { base, takes, butNot = [], butAlso = [] } of COMMANDS) {
    const singles = new Set([...takes, '--sort']);
    it(`with ${base}: one`, async () => {
      const expected = OPTIONS.map((option): [string, boolean] => [`${base} ${option}`, singles.has(option)]);
      assertTaken(expected);
      await assertExecuted(base, expected);
    });

    it(`with ${base}: two`, async () => {
      const isPair = (list: string[], a: string, b: string) => list.includes(`${a} ${b}`) || list.includes(`${b} ${a}`);
      const taken = (a: string, b: string) =>
        isPair(butAlso, a, b) || (singles.has(a) && singles.has(b) && !isPair(butNot, a, b));
      const expected = OPTIONS.flatMap((a, at) =>
        OPTIONS.slice(at + 1).map((b): [string, boolean] => [`${base} ${a} ${b}`, taken(a, b)]),
      );
      assertTaken(expected);
      await assertExecuted(base, expected);
    });
  }

  it('of tunnels: every subset', () => {
    const rest = ['--tun-port 6080', ...CHECKSUM];
    const subsets = Array.from({ length: 16 }, (_, mask) => rest.filter((_option, bit) => (mask >> bit) & 1));
    const isRight: Record<string, (port: number, checksums: number, remote: number) => boolean> = {
      ipip: (port, checksums) => port + checksums === 0,
      gue: (port, checksums) => port === 1 && checksums <= 1,
      gre: (port, checksums, remote) => port + remote === 0 && checksums <= 1,
    };
    const rows = Object.entries(isRight).flatMap(([type, judge]) =>
      subsets.map((subset): [string, boolean] => {
        const count = (word: RegExp) => subset.filter((option) => word.test(option)).length;
        const rule = `-a -t 192.0.2.1:80 -r 192.0.2.9 -i --tun-type ${type} ${subset.join(' ')}`;
        return [rule, judge(count(/port/), count(/csum/), count(/remcsum/))];
      }),
    );
    assertTaken(rows);
  });
});

describe('an option that ipvsadm takes and drops', () => {
  it('is dropped with a sentence', async () => {
    const { parseCommand } = await import('../../lib/rules/parse-command.js');
    const said: string[] = [];
    const command = parseCommand('-A -t 192.0.2.1:80 -M 255.255.255.0 --pe sip'.split(' '), (each) => said.push(each));
    assert.deepEqual(command, parseCommandLine('-A -t 192.0.2.1:80'));
    assert.deepEqual(said, [
      '-M has no effect on a service that is not persistent: add -p, or leave it out',
      '--pe has no effect on a service that is not persistent: add -p, or leave it out',
    ]);
  });
});
