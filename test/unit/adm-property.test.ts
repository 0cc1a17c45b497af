/** What holds for any call of ipvsadm, and for any director that is saved. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director } from '../../lib/director/director.js';
import { isListing } from '../../lib/rules/adm/execute.js';
import { OPTIONS } from '../../lib/rules/options.js';
import { printMark } from '../../lib/rules/mark.js';
import { printCommand } from '../../lib/rules/print.js';
import { RulesSession } from '../../lib/rules/session.js';
import { callAdm, noNames } from '../support/adm.js';
import { fuzzRuns } from '../support/fuzz-runs.js';
import { anyCommand, anyMarkCommand } from '../support/rules-arbitraries.js';

const open = () => Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 1024 });

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...OPTIONS.map(({ long }) => `--${long}`)) },
  { weight: 4, arbitrary: fc.constantFrom(...OPTIONS.flatMap(({ short }) => (short ? [`-${short}`] : []))) },
  fc.constantFrom('--json', '--all', '--drain', '--drain=0', '--sysctl', '--sysctl=sloppy_tcp=1', '--', '-', '', '-Ln'),
  fc.constantFrom('192.0.2.1:80', '[2001:db8::1]:80', '10.3.0.11', '192.0.2.0/28:80-90', 'www.example:http', '7', '0'),
  fc.constantFrom('rr', 'wlc', 'sh', 'gue', 'sh-port', 'mark', 'sysctl', 'dst', 'list', 'flush', '__proto__', 'master'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

/** Calls that are near to right ones, and calls that are not. */
const anyArgv = fc.oneof(
  fc.array(word, { maxLength: 10 }),
  anyCommand.map((command) => printCommand(command).split(' ')),
  fc
    .tuple(anyCommand, fc.array(word, { maxLength: 3 }))
    .map(([command, more]) => [...printCommand(command).split(' '), ...more]),
);

const anyStdin = fc
  .array(fc.oneof(anyCommand.map(printCommand), anyMarkCommand.map(printMark), fc.string({ maxLength: 20 })), {
    maxLength: 8,
  })
  .map((lines) => lines.join('\n'));

/** Rules that a director takes: services with servers, each once. */
const rightRules = fc
  .uniqueArray(
    fc.constantFrom(
      '-t 192.0.2.1:80',
      '-u 192.0.2.1:53',
      '--sctp-service 192.0.2.1:9',
      '-t [2001:db8::1]:80',
      '-f 7',
      '-f 8 -6',
    ),
    { minLength: 1 },
  )
  .chain((services) => fc.tuple(...services.map(rightService)))
  .map((services) => services.flat());

const whole = (max: number) => fc.integer({ min: 0, max });

function rightService(service: string): fc.Arbitrary<string[]> {
  const isIp6 = /2001|-6/.test(service);
  const settings = fc.tuple(
    fc.constantFrom('-s rr', '-s wlc', '-s sh -b sh-port', '-s mh -b mh-fallback,mh-port', ''),
    fc.constantFrom('', '-p', '-p 60', isIp6 ? '-p -M 64' : '-p -M 255.255.255.0'),
    fc.constantFrom('', ...(/^-[uf]/.test(service) ? ['-o'] : [])),
  );
  const method = fc.constantFrom(
    ...['-i', '-i --tun-type gre --tun-csum', '-i --tun-type gue --tun-port 6080 --tun-remcsum'],
    ...(isIp6 ? [] : ['-g']),
  );
  const servers = fc.uniqueArray(
    fc.record({ host: whole(99), method, weight: whole(2 ** 31 - 1), upper: whole(9000), lower: whole(9000) }),
    { selector: ({ host }) => host, maxLength: 5 },
  );
  return fc.tuple(settings, servers).map(([words, list]) => [
    `-A ${service} ${words.join(' ')}`,
    ...list.map(({ host, method, weight, upper, lower }) => {
      const thresholds = `-x ${Math.max(upper, lower)} -y ${Math.min(upper, lower)}`;
      return `-a ${service} -r 10.3.0.${host + 1} ${method} -w ${weight} ${thresholds}`;
    }),
  ]);
}

describe('any call of ipvsadm', () => {
  it('ends with one exit status, and says why when it is not 0', async () => {
    await using director = open();
    const session = new RulesSession(director);
    await fc.assert(
      fc.asyncProperty(anyArgv, anyStdin, async (argv, stdin) => {
        const { exit, err } = await callAdm(session, argv, { stdin });
        assert.ok(exit === 0 ? err === '' : err.endsWith('\n') && err.length > 1, `${exit} ${err}`);
        assert.ok([0, 2, 255].includes(exit as number), String(exit));
      }),
      { numRuns: fuzzRuns(3000) },
    );
  });

  it('that is a listing changes nothing', async () => {
    await using director = open();
    const session = new RulesSession(director);
    const state = async () => (await callAdm(session, '-S --all')).out;
    await callAdm(session, '-R', { stdin: '-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.3.0.11 -i' });
    const before = await state();
    let listings = 0;
    await fc.assert(
      fc.asyncProperty(anyArgv, anyStdin, async (argv, stdin) => {
        if (!isListing(argv)) return;
        listings++;
        await callAdm(session, argv, { stdin });
        assert.equal(await state(), before);
      }),
      { numRuns: fuzzRuns(2000) },
    );
    assert.ok(listings > 50, String(listings));
  });

  it('of -R that fails leaves everything as it was', async () => {
    await using director = open();
    const session = new RulesSession(director);
    const state = async () => (await callAdm(session, '-S --all')).out;
    await fc.assert(
      fc.asyncProperty(anyStdin, async (stdin) => {
        const before = await state();
        const { exit } = await callAdm(session, '-R', { stdin: `${stdin}\n-d -f 1 -r 10.9.9.9` });
        assert.notEqual(exit, 0);
        // A listing among the rules ends a transaction.
        if (!/^\s*(ipvsadm\s+)?(--?[lS]|--save|mark\s+l)/im.test(stdin)) assert.equal(await state(), before);
      }),
      { numRuns: fuzzRuns(500) },
    );
  });
});

describe('what -S --all prints', () => {
  it('brings the director back, thresholds, marks, timeouts and sysctls as well', async () => {
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(
        rightRules,
        fc.array(anyMarkCommand.map(printMark), { maxLength: 5 }),
        fc.tuple(whole(1), whole(1000), whole(1000), whole(1000)),
        async (rules, marks, [sloppy, ...seconds]) => {
          await using first = open();
          const session = new RulesSession(first);
          const stdin = [...rules, `sysctl net.ipv4.vs.sloppy_tcp=${sloppy}`, `--set ${seconds.join(' ')}`].join('\n');
          assert.deepEqual((await callAdm(session, '-R', { stdin })).text, '', stdin);
          // A rule may be there already, or not.
          for (const mark of marks) await callAdm(session, '-R', { stdin: mark });
          const { out } = await callAdm(session, '-S --all');
          await using second = open();
          second.on('warning', ({ message }) => assert.doesNotMatch(message, /has no effect/));
          const other = new RulesSession(second);
          const { text, exit } = await callAdm(other, '-R', { stdin: out });
          assert.deepEqual([text, exit], ['', 0], out);
          assert.equal((await callAdm(other, '-S --all', { resolve: noNames })).out, out);
          for (const line of ['-Ln --nosort', '-Ln --thresholds'])
            assert.equal(sorted((await callAdm(other, line)).out), sorted((await callAdm(session, line)).out));
          restored += second.virtualServices.length;
        },
      ),
      { numRuns: fuzzRuns(150) },
    );
    assert.ok(restored > 150, String(restored));
  });
});

/** The order of services is not kept, so lines are compared as a set, servers with their neighbours. */
function sorted(text: string): string {
  return text
    .split(/\n(?! {2})/)
    .sort()
    .join('\n');
}
