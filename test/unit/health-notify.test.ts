import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  constants,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthEvents, NotifyFailedEvent } from '../../lib/health/events.js';
import { Commands } from '../../lib/health/notify/commands.js';
import { openFifo } from '../../lib/health/notify/fifo.js';
import type { CheckedWebhook } from '../../lib/health/notify/checked.js';
import type { NotifyCommand } from '../../lib/health/notify/options.js';
import { post } from '../../lib/health/notify/post.js';
import { runCommand } from '../../lib/health/notify/run-command.js';
import { Webhook } from '../../lib/health/notify/webhook.js';
import type { HealthOptions } from '../../lib/health/options.js';
import type { RealServer } from '../../lib/index.js';
import { eventuallyHolds } from '../support/eventually.js';
import { Monitored, scripted } from '../support/monitored.js';
import { VirtualClock } from '../support/virtual-clock.js';

const QUICK: HealthOptions = {
  checks: [scripted()],
  ...{ intervalMs: 1000, timeoutMs: 500, retries: 0, rise: 1, fall: 1, jitter: 0 },
};

const HOOK: CheckedWebhook = {
  ...{ url: 'http://127.0.0.1:1/hook?token=secret', headers: {}, timeoutMs: 100 },
  ...{ retries: 2, retryDelayMs: 1000, queue: 3 },
};

/** Takes a monitor through: up, down with its quorum, up again. */
async function throughAll(on: Monitored, options: Partial<HealthOptions> = {}): Promise<void> {
  const service = on.service(undefined, 1);
  const [server] = service.realServers as [RealServer];
  on.monitor.watch(service, { ...QUICK, ...options });
  await on.clock.advance(1000);
  on.answer(server, 'fail');
  await on.clock.advance(1000);
  on.answer(server, 'pass');
  await on.clock.advance(1000);
}

const LINES = [
  'RS [10.3.0.1]:tcp:80 [192.0.2.1]:tcp:80 DOWN',
  'VS [192.0.2.1]:tcp:80 DOWN',
  'RS [10.3.0.1]:tcp:80 [192.0.2.1]:tcp:80 UP',
  'VS [192.0.2.1]:tcp:80 UP',
];

describe('notifications', () => {
  let on: Monitored | undefined;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-notify-'));
  });
  afterEach(async () => {
    await on?.close();
    on = undefined;
    rmSync(folder, { recursive: true });
  });

  it('write the lines of keepalived into its pipe, in order', async () => {
    const path = join(folder, 'fifo');
    on = new Monitored({ notify: { fifo: path } });
    assert.ok(statSync(path).isFIFO());
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await throughAll(on);
    const bytes = Buffer.alloc(4096);
    const text = bytes.toString('utf8', 0, readSync(reader, bytes));
    closeSync(reader);
    assert.equal(text, `${LINES.join('\n')}\n`);
  });

  it('refuse a pipe that is a file, and bear one that nobody reads', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    assert.throws(() => openFifo(path), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    let isFull = true;
    const written: string[] = [];
    const write = (line: string) => !isFull && written.push(line) > 0;
    on = new Monitored({ notify: { fifo: '/somewhere' } }, { openFifo: () => ({ write, close: () => {} }) });
    await throughAll(on);
    assert.deepEqual(written, []);
    isFull = false;
    await on.clock.advance(1000);
    assert.deepEqual(
      written,
      LINES.map((line) => `${line}\n`),
    );
  });

  it('run programs with their arguments, those of a server, of a quorum, and one for all', async () => {
    const ran: { command: readonly string[]; variables: Record<string, string> }[] = [];
    const run = async ({ command }: NotifyCommand, variables: Record<string, string>) => {
      ran.push({ command, variables });
      return undefined;
    };
    on = new Monitored({ notify: { script: { command: ['all', 'of'] } } }, { runCommand: run });
    await throughAll(on, {
      notify: {
        server: { up: { command: ['up', 'a b'] }, down: { command: ['down'] } },
        quorumUp: { command: ['quorum-up'] },
        quorumDown: { command: ['quorum-down'] },
      },
    });
    const [down, quorumDown, up, quorumUp] = LINES.map((line) => line.split(' '));
    const commands = ran.map(({ command }) => command.join('|'));
    // Each subject has its own order.
    assert.deepEqual(
      commands.filter((command) => /^(up|down)|RS/.test(command)),
      ['down', ['all', 'of', ...(down as string[])].join('|'), 'up|a b', ['all', 'of', ...(up as string[])].join('|')],
    );
    assert.deepEqual(
      commands.filter((command) => /^quorum|VS/.test(command)),
      [
        'quorum-down',
        ['all', 'of', ...(quorumDown as string[])].join('|'),
        'quorum-up',
        ['all', 'of', ...(quorumUp as string[])].join('|'),
      ],
    );
    const { TUNVS_AT: _, ...variables } = ran[0]?.variables ?? {};
    assert.deepEqual(variables, {
      ...{ TUNVS_EVENT: 'server', TUNVS_SERVICE: 'tcp 192.0.2.1:80', TUNVS_SERVER: '10.3.0.1:80' },
      ...{ TUNVS_STATE: 'DOWN', TUNVS_REASON: 'refused', TUNVS_MESSAGE: 'mine: connection refused' },
    });
  });

  it('run the programs for going down when a service of omega ends, and no others', async () => {
    const ran: string[] = [];
    const run = async ({ command }: NotifyCommand) => void ran.push(command.join(' '));
    on = new Monitored({}, { runCommand: run as never });
    const notify = { server: { down: { command: ['down'] as const } }, quorumDown: { command: ['quorum'] as const } };
    const [one, two] = [on.service('192.0.2.1', 2), on.service('192.0.2.2', 2)];
    on.monitor.watch(one, { ...QUICK, notify, omega: true });
    on.monitor.watch(two, { ...QUICK, notify });
    await on.clock.advance(1000);
    assert.deepEqual(ran, []);
    await on.monitor.close();
    assert.deepEqual(ran.sort(), ['down', 'down', 'quorum']);
  });

  it('gives a program PATH and its variables, and no secret of the director', async () => {
    process.env.TUNVS_TEST_SECRET = 'hidden';
    try {
      const words = '[ -n "$PATH" ] && [ "$TUNVS_STATE" = UP ] && [ -z "$TUNVS_TEST_SECRET" ]';
      assert.equal(await runCommand({ command: ['sh', '-c', words] }, { TUNVS_STATE: 'UP' }), undefined);
    } finally {
      delete process.env.TUNVS_TEST_SECRET;
    }
  });

  it('tell what a program did: its exit code, that there is none, that it was ended with all it had begun', async () => {
    assert.equal(await runCommand({ command: ['true'] }, {}), undefined);
    assert.equal(await runCommand({ command: ['sh', '-c', 'exit 3'] }, {}), 'exit code 3');
    assert.match((await runCommand({ command: ['/does/not/exist'] }, {})) ?? '', /ENOENT/);
    const out = join(folder, 'out');
    await runCommand({ command: ['sh', '-c', `echo "$TUNVS_STATE $1" > ${out}`, 'sh', 'x;y'] }, { TUNVS_STATE: 'UP' });
    assert.equal(readFileSync(out, 'utf8'), 'UP x;y\n');
    const command = ['sh', '-c', `echo $$ > ${out}; (trap '' TERM; sleep 1000) & wait`] as const;
    assert.equal(await runCommand({ command, timeoutMs: 300 }, {}), 'was ended after 300 ms');
    const group = readFileSync(out, 'utf8').trim();
    // Who has ended and whom nobody has waited for yet is no matter.
    await eventuallyHolds(async () => assert.throws(() => execFileSync('pgrep', ['-g', group, '-r', 'R,S,D,T'])));
  });

  it('refuse a header of a webhook that cannot be sent, without its value', () => {
    for (const headers of [{ 'x token': 'geheim' }, { token: 'geheim\n' }] as Record<string, string>[])
      assert.throws(
        () => new Monitored({ notify: { webhook: { url: 'http://127.0.0.1:1/', headers } } }),
        (error: Error & { code?: string }) =>
          error.code === 'ERR_TUNVS_INVALID_ARGUMENT' && !error.message.includes('geheim'),
      );
  });

  it('run programs for one subject one after the other, and so many at once', async () => {
    const failed: NotifyFailedEvent[] = [];
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    const commands = new Commands(
      ({ command }) => {
        begun.push(command.join(' '));
        return new Promise((resolve) => ends.push(() => resolve(undefined)));
      },
      () => 0,
      (event) => failed.push(event),
    );
    for (let n = 0; n < 20; n += 1) commands.run(`subject ${n}`, { command: ['one', `${n}`] }, {});
    commands.run('subject 0', { command: ['two', '0'] }, {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(begun.length, 16);
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(begun.length, 17);
    while (begun.length < 21 || ends.length > 0) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await commands.close();
    assert.ok(begun.indexOf('two 0') > begun.indexOf('one 0'));
    for (let n = 0; n < 5000; n += 1) commands.run('many', { command: ['many'] }, {});
    assert.equal(failed.length, 5000 - 4096);
  });

  it('holds up no close for programs that hang, and tells of those that are lost', async () => {
    let nowMs = 0;
    const begun: string[] = [];
    const failures: NotifyFailedEvent[] = [];
    const hang = async ({ command }: NotifyCommand) => {
      begun.push(command[1] ?? '');
      nowMs += 30_000;
      return 'was ended after 30000 ms';
    };
    const commands = new Commands(
      hang,
      () => nowMs,
      (event) => failures.push(event),
    );
    for (const n of ['1', '2', '3']) commands.run('a server', { command: ['tell', n] }, {});
    await commands.close();
    assert.deepEqual(begun, ['1']);
    assert.deepEqual(
      failures.map(({ lost }) => lost),
      [0, 1, 1],
    );
  });

  it('post news as JSON to a receiver', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => (body += piece));
      request.on('end', () => {
        bodies.push(`${request.method} ${request.url} ${request.headers['x-token']} ${body}`);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    on = new Monitored({ notify: { webhook: { url: `http://127.0.0.1:${port}/hook`, headers: { 'x-token': 't' } } } });
    await throughAll(on);
    await on.monitor.close();
    server.close();
    assert.equal(bodies.length, 4);
    const [first] = bodies as [string];
    assert.ok(first.startsWith('POST /hook t {'));
    const { at, ...news } = JSON.parse(first.slice('POST /hook t '.length));
    assert.match(at, /^\d{4}-.*Z$/);
    assert.deepEqual(news, {
      ...{ event: 'server', isUp: false, isFirst: false, check: 'mine', reason: 'refused' },
      message: 'mine: connection refused',
      service: { protocol: 'tcp', address: '192.0.2.1', port: 80 },
      server: { address: '10.3.0.1', port: 80 },
    });
    await assert.rejects(post({ ...HOOK, url: `http://127.0.0.1:${port}/` }, '{}'));
  });

  it('post again with growing waits, give up in the end, and go on with the next', async () => {
    const clock = new VirtualClock();
    const failed: NotifyFailedEvent[] = [];
    const posted: string[] = [];
    const answers = [500, 429, 503, 404, 200];
    const receive = async (_: CheckedWebhook, body: string) => {
      posted.push(`${clock.nowMs() - 1000} ${body}`);
      return answers.shift() ?? 200;
    };
    const hook = new Webhook(HOOK, receive, clock, (event) => failed.push(event));
    hook.send('a');
    hook.send('b');
    hook.send('c');
    await clock.advance(10_000);
    assert.deepEqual(posted, ['0 a', '1000 a', '3000 a', '3000 b', '3000 c']);
    assert.deepEqual(failed, [
      { by: 'webhook', target: 'http://127.0.0.1:1/hook', message: 'status 503', lost: 1 },
      { by: 'webhook', target: 'http://127.0.0.1:1/hook', message: 'status 404', lost: 1 },
    ]);
  });

  it('lose the oldest when too many wait, and end with the monitor although nobody answers', async () => {
    const clock = new VirtualClock();
    const failed: NotifyFailedEvent[] = [];
    const hook = new Webhook(
      HOOK,
      () => Promise.reject(new Error('refused')),
      clock,
      (event) => failed.push(event),
    );
    for (const body of ['a', 'b', 'c', 'd', 'e']) hook.send(body);
    assert.equal(failed.length, 1);
    await clock.settle();
    await hook.close();
    assert.deepEqual(
      failed.map(({ message, lost }) => [message, lost]),
      [
        ['3 pieces of news wait already', 1],
        ['refused', 4],
      ],
    );
  });

  it('tell what did not get through as an event', async () => {
    on = new Monitored({}, { runCommand: async () => 'exit code 1' });
    await throughAll(on, { notify: { quorumDown: { command: ['q'] } } });
    const event = on.told.find(([name]) => name === 'notifyFailed')?.[1] as HealthEvents['notifyFailed'][0];
    assert.deepEqual(event, { by: 'command', target: 'q', message: 'exit code 1', lost: 0 });
  });
});
