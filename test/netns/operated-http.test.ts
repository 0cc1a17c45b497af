/** `tunvs run --http`: who may ask by TCP, with tokens from files, and what is refused. */
import { strict as assert } from 'node:assert';
import { chmodSync } from 'node:fs';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeEachOperated, type Operated, operatedConfig } from '../support/operated.js';

const READ = 'read-token-of-32-characters-0000';
const WRITE = 'write-token-of-32-characters-000';

describeLab('a daemon that is asked by TCP', () => {
  let host: LabHost;
  let operated: Operated;

  beforeEachOperated((each) => {
    operated = each;
    host = each.host;
    operated.write('tunvs.yaml', operatedConfig({ '10.2.0.11': 1 }));
    for (const [name, token] of [
      ['read', READ],
      ['write', WRITE],
    ] as const)
      chmodSync(operated.write(name, `${token}\n`), 0o600);
  });

  const run = (...more: string[]) => ['--config', operated.path('tunvs.yaml'), ...more];
  const tokens = () => ['--read-token', operated.path('read'), '--write-token', operated.path('write')];

  /** Where the daemon says that it listens, which is the one TCP socket of this host. */
  async function origin(daemon: LabProcess): Promise<string> {
    const ready = await daemon.line((line) => line.startsWith('tunvs run: ready on '));
    const [, said] = /, control server on (\S+)$/.exec(ready) ?? [];
    const { stdout } = await host.exec(['ss', '-Hltn']);
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(stdout) ?? [];
    assert.equal(said, `http://127.0.0.1:${port}`);
    return said as string;
  }

  async function status(url: string, ...words: string[]): Promise<string> {
    const argv = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code} %{content_type}', ...words, url];
    const { code, stdout, stderr } = await operated.as([], argv);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout;
  }

  const bearer = (token: string) => ['-H', `Authorization: Bearer ${token}`];

  it('lets each token do what it is for, and whoever has none see health and metrics alone', async () => {
    const at = await origin(operated.spawn(run('--http', '127.0.0.1:0', ...tokens())));
    const reload = ['-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{}'];
    const asked: [path: string, words: string[], status: RegExp][] = [
      ['/health', [], /^200 /],
      ['/metrics', [], /^200 text\/plain/],
      ['/v1/services', [], /^401 application\/problem\+json/],
      ['/v1/services', bearer('guessed-token-of-32-characters-0'), /^401 /],
      ['/v1/services', bearer(READ), /^200 application\/json/],
      ['/v1/services', bearer(WRITE), /^200 /],
      ['/v1/reload', reload, /^401 /],
      ['/v1/reload', [...reload, ...bearer(READ)], /^403 /],
      ['/v1/reload', [...reload, ...bearer(WRITE)], /^200 /],
      ['/v1/services', [...bearer(READ), '-H', 'Host: rebound.example'], /^4\d\d /],
    ];
    for (const [path, words, expected] of asked)
      assert.match(await status(`${at}${path}`, ...words), expected, `${path} ${words.join(' ')}`);
    const metrics = await operated.as([], ['curl', '-sS', `${at}/metrics`]);
    assert.match(metrics.stdout, /^# TYPE tunvs_build_info gauge$/m);
    assert.doesNotMatch(metrics.stdout, new RegExp(`${READ}|${WRITE}`));
  });

  it('takes the tokens that its configuration names, beside it', async () => {
    operated.write(
      'tunvs.yaml',
      operatedConfig(
        { '10.2.0.11': 1 },
        'control: { http: { host: 127.0.0.1, port: 0, tokens: { read: { file: read } } } }',
      ),
    );
    const at = await origin(operated.spawn(run()));
    assert.match(await status(`${at}/v1/services`), /^401 /);
    assert.match(await status(`${at}/v1/services`, ...bearer(READ)), /^200 /);
  });

  it('does not start on 0.0.0.0 without tokens, with a token that is missing, or on a port that is taken', async () => {
    const refused: [string[], RegExp][] = [
      [['--http', '0.0.0.0:9480'], /^tunvs run: .*token/],
      [
        ['--http', '127.0.0.1:0', '--read-token', operated.path('none')],
        /^tunvs run: --read-token: .*there is no file \S+none: make one by "umask 077; openssl/,
      ],
      [['--read-token', operated.path('read')], /^tunvs run: --read-token and --write-token are for --http/],
    ];
    for (const [words, sentence] of refused) {
      const daemon = operated.spawn(run(...words));
      const { code } = await daemon.exited;
      assert.notEqual(code, 0, words.join(' '));
      assert.match(daemon.stderr, sentence);
      assert.doesNotMatch(daemon.stderr, /^ +at /m);
      assert.equal(await host.hasDevice('tunvs0'), false);
    }
    await operated.start(run('--http', '127.0.0.1:9480', ...tokens()));
    operated.write('tunvs.yaml', `source: 10.2.0.2\n`);
    const second = operated.spawn(run('--name', 'blue', '--http', '127.0.0.1:9480', ...tokens()));
    assert.equal((await second.exited).code, 1);
    assert.match(second.stderr, /^tunvs run: .*9480/);
    assert.match(await status('http://127.0.0.1:9480/health'), /^200 /);
  });
});
