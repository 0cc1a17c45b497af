import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import {
  addressesArgument,
  choiceArgument,
  integerArgument,
  secondsArgument,
  seedArgument,
  sourcesArgument,
} from '../../lib/cli/arguments.js';
import { toJson } from '../../lib/cli/json.js';
import { Interrupted, type Verb, type VerbContext, UsageError } from '../../lib/cli/verb.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import { TunvsError } from '../../lib/values/errors.js';
import { cli } from '../support/cli.js';

/** A verb that does what `--do` says. */
const pretend: Verb = {
  name: 'pretend',
  summary: 'do something',
  configure(command: Command) {
    command.requiredOption('--do <what>', 'what to do').option('--times <n>', 'how often', integerArgument(1, 9), 1);
  },
  async run({ options, io }: VerbContext<{ do: string; times: number }>) {
    if (options.do === 'usage') throw new UsageError('that is no way to use it: use another');
    if (options.do === 'fail') throw new TunvsError('ERR_TUNVS_BUSY', 'the device is in use: stop the other one');
    if (options.do === 'invalid') throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', 'queues: expected 1, got 0');
    if (options.do === 'both') {
      const errors = [
        new TunvsError('ERR_TUNVS_NO_DEVICE', 'it is gone'),
        new TunvsError('ERR_TUNVS_HOST', 'a route is left'),
        new TunvsError('ERR_TUNVS_HOST', 'a route is left'),
      ];
      throw new AggregateError(errors, 'both');
    }
    if (options.do === 'interrupted') throw new Interrupted(130);
    if (options.do === 'bug') throw new TypeError('x is not a function');
    io.stdout.write(`${options.do} ${options.times}\n`);
  },
};

const run = (...args: string[]) => cli(args, [pretend]);

describe('the command line', () => {
  it('runs a verb with its options', async () => {
    assert.deepEqual(await run('pretend', '--do', 'well', '--times', '3'), {
      exitCode: 0,
      stdout: 'well 3\n',
      stderr: '',
    });
  });

  it('exits with 1 and a sentence when a verb fails', async () => {
    const { exitCode, stdout, stderr } = await run('pretend', '--do', 'fail');
    assert.deepEqual([exitCode, stdout, stderr], [1, '', 'tunvs pretend: the device is in use: stop the other one\n']);
  });

  it('exits with 1 and a sentence each when a verb fails twice', async () => {
    const { exitCode, stderr } = await run('pretend', '--do', 'both');
    assert.deepEqual([exitCode, stderr], [1, 'tunvs pretend: it is gone\ntunvs pretend: a route is left\n']);
  });

  it('exits with 2 when a verb or the library finds wrong usage', async () => {
    for (const what of ['usage', 'invalid']) assert.equal((await run('pretend', '--do', what)).exitCode, 2, what);
  });

  it('shows the stack of a mistake of its own', async () => {
    const { exitCode, stderr } = await run('pretend', '--do', 'bug');
    assert.equal(exitCode, 1);
    assert.match(stderr, /^tunvs pretend: TypeError: x is not a function\n +at /);
  });

  it('ends with the code of the signal that interrupted it, and says nothing', async () => {
    assert.deepEqual(await run('pretend', '--do', 'interrupted'), { exitCode: 130, stdout: '', stderr: '' });
  });

  const wrong: [string[], RegExp][] = [
    [['unknown'], /^tunvs: unknown command 'unknown': see "tunvs --help"\n$/],
    [['pretend'], /^tunvs pretend: required option '--do <what>' not specified: see "tunvs pretend --help"\n$/],
    [['pretend', '--do'], /argument missing: see/],
    [['pretend', '--do', 'x', '--tims', '3'], /unknown option '--tims' \(Did you mean --times\?\): see/],
    [['pretend', '--do', 'x', '--times', '0'], /argument '0' is invalid\. Write a whole number from 1 to 9: see/],
    [['pretend', '--do', 'x', 'more'], /too many arguments.*: see/],
    [[], /^Usage: tunvs /],
  ];
  for (const [args, message] of wrong) {
    it(`exits with 2 and a sentence for "tunvs ${args.join(' ')}"`, async () => {
      const { exitCode, stdout, stderr } = await run(...args);
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  it('prints help and version on standard output', async () => {
    assert.match((await run('--help')).stdout, /pretend.* do something/);
    assert.match((await run('pretend', '--help')).stdout, /--times <n>/);
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.deepEqual(await run('--version'), {
      exitCode: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

describe('every verb', () => {
  for (const verb of verbs) {
    it(`${verb.name} has help with an example`, async () => {
      const { exitCode, stdout, stderr } = await cli([verb.name, '--help'], verbs);
      assert.deepEqual([exitCode, stderr], [0, '']);
      assert.ok(stdout.includes(verb.summary.split(' ')[0] as string));
      assert.ok(stdout.split('\n').length > 10);
      assert.match(stdout, /^Examples?:\n {2}\$ (?:.* )?tunvs /m);
      assert.doesNotMatch(stdout, /\(default: "/);
    });
  }

  it('has help that fits into 80 columns', async () => {
    for (const args of [['--help'], ...verbs.map(({ name }) => [name, '--help'])]) {
      const { stdout } = await cli(args, verbs);
      const wide = stdout.split('\n').filter((line) => line.length > 80);
      assert.deepEqual(wide, [], args.join(' '));
    }
  });

  it('is one of those that the documentation names', () => {
    assert.deepEqual(
      verbs.map(({ name }) => name),
      [
        'run',
        'status',
        'role',
        'sync',
        'health',
        'fleet',
        'reload',
        'upgrade',
        'check',
        'convert',
        'config',
        'realserver',
        'replay',
        'explain',
        'demo',
        'install-ipvsadm',
      ],
    );
  });
});

describe('an option of the command line', () => {
  it('is read by its kind', () => {
    assert.equal(integerArgument(0, 10)('10'), 10);
    assert.equal(secondsArgument(0.1, 60)('1.5'), 1500);
    assert.equal(seedArgument('18446744073709551615'), 2n ** 64n - 1n);
    assert.equal(seedArgument('0xff'), 255n);
    assert.equal(choiceArgument(['a', 'b'])('b'), 'b');
    assert.deepEqual(sourcesArgument('2001:db8::1', ['10.0.0.1']), ['10.0.0.1', '2001:db8::1']);
    assert.deepEqual(sourcesArgument('10.2.1.0/28'), ['10.2.1.0/28']);
    assert.deepEqual(addressesArgument('2001:DB8::1', ['10.0.0.1']), ['10.0.0.1', '2001:db8::1']);
  });

  const wrong: [string, () => unknown][] = [
    ['a sign', () => integerArgument(0, 10)('-1')],
    ['a fraction', () => integerArgument(0, 10)('1.5')],
    ['too much', () => integerArgument(0, 10)('11')],
    ['no time', () => secondsArgument(0.1, 60)('soon')],
    ['too short a time', () => secondsArgument(0.1, 60)('0')],
    ['too large a seed', () => seedArgument('18446744073709551616')],
    ['no seed', () => seedArgument('dice')],
    ['no address', () => addressesArgument('ten')],
    ['a second source of a family', () => sourcesArgument('10.0.0.2', ['10.0.0.1'])],
    ['a range beside an address of its family', () => sourcesArgument('10.2.1.0/28', ['10.0.0.1'])],
    ['a range with bits beyond its prefix', () => sourcesArgument('10.2.1.1/28')],
    ['another choice', () => choiceArgument(['a', 'b'])('c')],
  ];
  for (const [name, read] of wrong) it(`is refused for ${name}`, () => assert.throws(read, InvalidArgumentError));
});

describe('JSON of the command line', () => {
  it('has 64-bit counters as numbers while they are exact', () => {
    assert.equal(
      toJson({ small: 7n, large: 2n ** 64n - 1n, list: [1n] }),
      '{"small":7,"large":"18446744073709551615","list":[1]}',
    );
  });
});
