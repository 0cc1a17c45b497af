/** When an environment ends, its listening sockets end with it; until they are closed, they keep a program alive. */
import { strict as assert } from 'node:assert';
import { endingsOf, runScript } from '../support/quiet-endings.js';

const LISTEN = `
  const { createServer, connect } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  globalThis.listening = new native.ListeningSocket(server._handle.fd, () => {});
  server.close();
  listening.watch();
  connect(port, '127.0.0.1').on('error', () => {}).unref();
`;

describe('a listening socket', () => {
  const { 'the program ends': begun = '', ...endings } = endingsOf('listening', LISTEN);
  for (const [what, script] of Object.entries(endings)) {
    it(`goes quietly when ${what}`, function () {
      this.timeout(30_000);
      const { status, signal, stderr, stdout } = runScript(script);
      assert.deepEqual([status, signal, stderr, stdout], [0, null, '', '']);
    });
  }

  it('keeps a program alive until it is closed', function () {
    this.timeout(30_000);
    const { status, stdout } = runScript(
      `${begun} setTimeout(() => { console.log('closed'); listening.close(); }, 100).unref();`,
    );
    assert.deepEqual([status, stdout], [0, 'closed\n']);
  });

  it('passes on what is thrown as nobody has caught it, as a server of Node does', function () {
    this.timeout(30_000);
    const { status, stderr } = runScript(
      begun.replace('() => {});\n  server', "() => { throw new Error('of the listener'); });\n  server"),
    );
    assert.equal(status, 1);
    assert.match(stderr, /Error: of the listener/);
  });
});
