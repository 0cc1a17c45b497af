/** RealServerHost, embedded in a program. */
import { strict as assert } from 'node:assert';
import { describeLab, hostState, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href;

describeLab('RealServerHost', () => {
  let host: LabHost;
  let untouched: string;

  beforeOnLoneHost(
    async (made) => {
      host = made;
      untouched = await hostState(host);
    },
    {
      name: 'rs1',
      device: 'eth0',
      address: '10.2.0.11/24',
    },
  );

  afterEach(async () => {
    assert.equal(await hostState(host), untouched);
  });

  /** Runs `body` with `options` and RealServerHost in scope; returns what it returns. */
  async function run(body: string): Promise<unknown> {
    const script = `
      import { RealServerHost } from ${JSON.stringify(LIBRARY)};
      const options = { virtualAddresses: '10.9.9.9', directors: ['10.2.0.2'], mode: 'userspace' };
      const code = (promise) => promise.then(() => 'no error', (error) => error.code ?? error.message);
      const plain = (_, value) => (typeof value === 'bigint' ? Number(value) : value);
      console.log(JSON.stringify(await (async () => { ${body} })(), plain));
    `;
    const { stdout } = await host.exec([process.execPath, '--input-type=module', '-e', script]);
    return stdout.trim() === 'undefined' ? undefined : JSON.parse(stdout);
  }

  it('opens, counts, and closes as often as it is asked', async () => {
    const result = await run(`
      const server = await RealServerHost.open(options);
      const { mode, devices } = server;
      const { received } = server.stats().counters;
      await Promise.all([server.close(), server.close()]);
      await server.close();
      return { mode, devices, received };
    `);
    assert.deepEqual(result, { mode: 'userspace', devices: ['tunvs-rs0'], received: 0 });
  });

  it('stands in JSON with its statistics, and shows itself without what it is made of', async () => {
    const [stats, open, shown, closed] = (await run(`
      const { inspect } = await import('node:util');
      const server = await RealServerHost.open(options);
      const seen = [JSON.stringify(server.stats()), JSON.stringify(server), inspect(server)];
      await server.close();
      return [...seen, JSON.stringify(server)];
    `)) as [string, string, string, string];
    assert.equal(JSON.parse(stats).counters.received, 0);
    assert.deepEqual(JSON.parse(open), { mode: 'userspace', devices: ['tunvs-rs0'] });
    assert.equal(shown, "RealServerHost { mode: 'userspace', devices: [ 'tunvs-rs0' ] }");
    assert.deepEqual(JSON.parse(closed), { mode: 'userspace', devices: ['tunvs-rs0'], isClosed: true });
  });

  it('does without a tunnel device for direct routing, and with IPv6 where the interfaces have it', async () => {
    const result = await run(`
      const virtualAddresses = ['10.9.9.9', '2001:db8:9::9'];
      const direct = await RealServerHost.open({ ...options, virtualAddresses, forwarding: 'dr', mode: 'auto' });
      const { mode, devices } = direct;
      const { counters } = direct.stats();
      await direct.close();
      const all = await RealServerHost.open({ ...options, virtualAddresses, forwarding: ['dr', 'ipip', 'gue', 'gre'] });
      const ports = all.devices;
      await all.close();
      return { mode, devices, counters, ports };
    `);
    assert.deepEqual(result, { mode: 'kernel', devices: [], counters: {}, ports: ['tunvs-rs0'] });
  });

  it('names its option where a device is none that it can take', async () => {
    const options = `{ ...options, device: 'eth0' }`;
    const refused = await run(`
      const open = await RealServerHost.open(${options}).catch((error) => error);
      let plan;
      try { RealServerHost.plan(${options}); } catch (error) { plan = error; }
      return [open, plan].map(({ code, option, message }) => [code, option, message]);
    `);
    const said = "network interface 'eth0' exists and is not a TUN device: choose another name";
    const one = ['ERR_TUNVS_INVALID_ARGUMENT', 'device', said];
    assert.deepEqual(refused, [one, one]);
  });

  it('says which port is taken', async () => {
    const result = await run(`
      const { createSocket } = await import('node:dgram');
      const taken = createSocket('udp4');
      await new Promise((resolve) => taken.bind(6080, resolve));
      const refused = await RealServerHost.open({ ...options, forwarding: 'gue' }).catch((error) => error);
      taken.close();
      return [refused.code, refused.message];
    `);
    const [code, message] = result as [string, string];
    assert.equal(code, 'ERR_TUNVS_BUSY');
    assert.match(message, /UDP port 6080 for GUE is taken/);
  });

  it('answers nothing once it is closed', async () => {
    const result = await run(`
      const server = await RealServerHost.open(options);
      await server[Symbol.asyncDispose]();
      try { server.stats(); } catch (error) { return error.code; }
    `);
    assert.equal(result, 'ERR_TUNVS_CLOSED');
  });

  it('is closed also where a listener of that throws, which is an uncaught exception', async () => {
    const result = await run(`
      const uncaught = [];
      process.on('uncaughtException', (error) => uncaught.push(error.message));
      const server = await RealServerHost.open(options);
      server.on('close', () => { throw new Error('mine'); });
      const closed = await code(server.close());
      await new Promise((resolve) => setImmediate(resolve));
      return [closed, uncaught];
    `);
    assert.deepEqual(result, ['no error', ['mine']]);
  });

  it('closes when its signal is aborted, and does not open after', async () => {
    const result = await run(`
      const controller = new AbortController();
      const server = await RealServerHost.open({ ...options, signal: controller.signal });
      controller.abort(new Error('enough'));
      let closed;
      try { server.stats(); } catch (error) { closed = error.code; }
      return [closed, await code(RealServerHost.open({ ...options, signal: controller.signal }))];
    `);
    assert.deepEqual(result, ['ERR_TUNVS_CLOSED', 'enough']);
  });

  it('restores the host when the program ends without closing it', async () => {
    assert.equal(await run(`await RealServerHost.open(options); return 'left open';`), 'left open');
  });

  it('leaves nothing behind when opening fails half-way', async () => {
    const result = await run(`
      const first = await RealServerHost.open(options);
      const second = await code(RealServerHost.open({ ...options, virtualAddresses: ['10.9.9.8'] }));
      await first.close();
      return second;
    `);
    assert.match(String(result), /^ERR_TUNVS_(BUSY|EXISTS|SYSTEM)$/);
  });

  /**
   * Opens, does what `harm` says, and returns what was told until shortly after the error, with what `harm` printed.
   */
  const harmed = (harm: string) =>
    run(`
      const { execFileSync } = await import('node:child_process');
      const { setTimeout: delay } = await import('node:timers/promises');
      const server = await RealServerHost.open({ ...options, forwarding: 'gue' });
      const told = [];
      server.on('close', () => told.push('close'));
      server.on('error', (error) => told.push([error.name, error.code, error.message]));
      const [file, ...args] = ${JSON.stringify(harm)}.split(' ');
      const printed = execFileSync(file, args, { encoding: 'utf8' });
      if (printed === '' && file === 'ss') return server.close();
      for (let looks = 0; looks < 200 && told.length === 0; looks++) await delay(50);
      // Two looks of each who looks.
      await delay(2000);
      const { received } = server.stats().counters;
      await server.close();
      return { told, received };
    `) as Promise<{ told: unknown[]; received: number } | undefined>;

  it('tells once, as an error, that its device is gone, answers on, and closes as ever', async () => {
    const { told, received } = (await harmed('ip link delete tunvs-rs0')) ?? {};
    const [[name, code, message] = [], ...others] = told as [string[], ...unknown[]];
    assert.deepEqual([name, code, others, received], ['TunvsError', 'ERR_TUNVS_NO_DEVICE', ['close'], 0]);
    assert.match(
      String(message),
      /^the device tunvs-rs0 is gone: .*; tunnel packets no longer reach .*: open it again$/,
    );
  });

  it('tells the same of a socket that fails', async function () {
    const result = await harmed('ss -H -K -u -a -n');
    if (result === undefined) this.skip(); // the kernel has no CONFIG_INET_DIAG_DESTROY
    const [[name, code, message] = [], ...others] = result.told as [string[], ...unknown[]];
    assert.deepEqual([name, code, others], ['TunvsError', 'ERR_TUNVS_NO_DEVICE', ['close']]);
    assert.match(String(message), /^receiving tunnel packets failed: .* abort; .*: open it again$/);
  });

  const mistakes = [
    { what: 'an unknown option', change: '{ vip: "10.9.9.9" }', code: 'ERR_TUNVS_INVALID_ARGUMENT' },
    {
      what: 'a virtual address that is none',
      change: '{ virtualAddresses: "10.9.9" }',
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
    },
    { what: 'no director', change: '{ directors: [] }', code: 'ERR_TUNVS_INVALID_ARGUMENT' },
    { what: 'a mode that is none', change: '{ mode: "magic" }', code: 'ERR_TUNVS_INVALID_ARGUMENT' },
    {
      what: 'a device name that is too long',
      change: '{ device: "a-name-of-16-char" }',
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
    },
    {
      what: 'a director that is a range with bits beyond its prefix',
      change: '{ directors: "10.2.1.5/24" }',
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
    },
    { what: 'a way of forwarding that is none', change: '{ forwarding: ["nat"] }', code: 'ERR_TUNVS_INVALID_ARGUMENT' },
    { what: 'a port for GUE without GUE', change: '{ guePorts: 6080 }', code: 'ERR_TUNVS_INVALID_ARGUMENT' },
    {
      what: 'a port that is none',
      change: '{ forwarding: "gue", guePorts: 65536 }',
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
    },
  ];
  for (const { what, change, code } of mistakes) {
    it(`refuses ${what}`, async () => {
      assert.equal(await run(`return code(RealServerHost.open({ ...options, ...${change} }));`), code);
    });
  }
});
