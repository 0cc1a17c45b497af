import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpsCheckOptions, httpsCheck } from '../../lib/health/checks/https.js';
import { authority, selfSigned, serverCertificate } from '../support/certificates.js';
import { findingOf, leavesNothingOpen, listen } from '../support/checked.js';
import { mirror } from '../support/http-answers.js';

describe('a check by HTTPS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tunvs-https-'));
  const caFile = join(directory, 'ca.pem');
  before(() => writeFileSync(caFile, authority.cert));
  after(() => rmSync(directory, { recursive: true }));

  const certified = { ...serverCertificate, allowHTTP1: true };
  const host = 'server.example.org';
  const checkedBy = (port: number, options: HttpsCheckOptions) => findingOf(httpsCheck(options), port);

  it('asks over TLS, and takes the name from the host', () =>
    leavesNothingOpen(async () => {
      await using server = await listen(createHttpsServer(certified, mirror));
      const asked = { caFile, host, contains: `"authority":"${host}"` };
      assert.deepEqual(await checkedBy(server.port, asked), { passed: true, message: 'status 200' });
      const other = await checkedBy(server.port, { caFile, host: 'www.example.org:8443' });
      assert.equal(other.reason, 'wrong certificate');
      assert.equal((await checkedBy(server.port, { caFile, host: 'www.example.org', serverName: host })).passed, true);
    }));

  it('speaks HTTP/2 when ALPN gives it, and says so when it does not', () =>
    leavesNothingOpen(async () => {
      await using both = await listen(createSecureServer(certified, mirror as never));
      const asked = { caFile, host, version: '2', contains: '"httpVersion":"2.0"' } as const;
      assert.deepEqual(await checkedBy(both.port, asked), { passed: true, message: 'status 200' });
      await using old = await listen(createHttpsServer(serverCertificate, mirror));
      const finding = await checkedBy(old.port, asked);
      assert.equal(finding.reason, 'wrong answer');
    }));

  it('keeps the warning of the certificate', async () => {
    await using server = await listen(createHttpsServer(selfSigned, mirror));
    const finding = await checkedBy(server.port, { verify: false });
    assert.deepEqual(finding, { passed: true, message: 'status 200', warning: 'the certificate is self-signed' });
  });

  it('survives a server that stops in the middle', () =>
    leavesNothingOpen(async () => {
      const stopping = createHttpsServer(serverCertificate, (_request, response) => {
        response.writeHead(200, { 'content-length': 9 });
        response.write('abc');
        setImmediate(() => response.socket?.destroy());
      });
      await using server = await listen(stopping);
      const finding = await checkedBy(server.port, { caFile, contains: 'x' });
      assert.equal(finding.reason, 'closed');
    }));
});
