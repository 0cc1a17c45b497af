import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import type { FailureReason } from '../../lib/health/checks/check.js';
import { judgeCertificate } from '../../lib/health/checks/tls/certificate.js';
import { type TlsCheckOptions, tlsCheck } from '../../lib/health/checks/tls.js';
import {
  authority,
  clientCertificate,
  expiredCertificate,
  selfSigned,
  serverCertificate,
} from '../support/certificates.js';
import { abortedBy, findingOf, leavesNothingOpen, listen, serve } from '../support/checked.js';

const directory = mkdtempSync(join(tmpdir(), 'tunvs-tls-'));
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

const caFile = file('ca.pem', authority.cert);
const serverName = 'server.example.org';

async function checked(server: TlsOptions, options: TlsCheckOptions) {
  const secure = createServer({ ...serverCertificate, ...server });
  secure.on('tlsClientError', () => {});
  await using listening = await listen(secure);
  return await findingOf(tlsCheck(options), listening.port);
}

describe('a check by TLS', () => {
  after(() => rmSync(directory, { recursive: true }));

  it('passes with a chain that verifies, and says the version and until when it is good', async () => {
    const finding = await checked({ maxVersion: 'TLSv1.2' }, { caFile, serverName });
    assert.deepEqual(finding, { passed: true, message: 'TLSv1.2, certificate until 2120-01-01' });
  });

  it('asks for the name by SNI, and for nothing without one', async () => {
    const asked: string[] = [];
    const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
      asked.push(name);
      done(null);
    };
    assert.equal((await checked({ SNICallback }, { caFile, serverName })).passed, true);
    assert.equal((await checked({ SNICallback }, { caFile })).passed, true);
    assert.deepEqual(asked, [serverName]);
  });

  it('takes the protocol that the server chooses of those offered', async () => {
    const finding = await checked({ ALPNProtocols: ['h2', 'http/1.1'] }, { caFile, alpn: ['http/1.1', 'h2'] });
    assert.match(finding.message, /^TLSv1\.3, h2, /);
  });

  it('shows the certificate of the client', async () => {
    const options = {
      caFile,
      certificateFile: file('client.pem', clientCertificate.cert),
      keyFile: file('client.key', clientCertificate.key),
    };
    const server: TlsOptions = { requestCert: true, ca: authority.cert, maxVersion: 'TLSv1.2' };
    assert.equal((await checked(server, options)).passed, true);
    assert.match((await checked(server, { caFile })).message, /^TLS: .*alert/);
  });

  it('reads its files again when they have changed', async () => {
    const changing = file('changing.pem', selfSigned.cert);
    const check = tlsCheck({ caFile: changing });
    await using listening = await listen(createServer(serverCertificate));
    assert.equal((await findingOf(check, listening.port)).reason, 'wrong certificate');
    writeFileSync(changing, `${authority.cert}\n\n`);
    assert.equal((await findingOf(check, listening.port)).passed, true);
  });

  const faults: [what: string, server: TlsOptions, options: TlsCheckOptions, reason: FailureReason, message: RegExp][] =
    [
      ['an unknown authority', {}, {}, 'wrong certificate', /issuer|chain/],
      [
        'another name',
        {},
        { caFile, serverName: 'www.example.org' },
        'wrong certificate',
        /not for www.*server\.example/,
      ],
      ['an expired certificate', expiredCertificate, { caFile }, 'wrong certificate', /expired on 2021-01-01$/],
      ['a self-signed certificate', selfSigned, {}, 'wrong certificate', /self-signed$/],
      [
        'an old version',
        { maxVersion: 'TLSv1.2' },
        { caFile, minTlsVersion: 'TLSv1.3' },
        'wrong answer',
        /^TLS: .*version/,
      ],
      ['no common protocol', {}, { caFile, alpn: ['h2'] }, 'wrong answer', /speaks none of h2 \(ALPN\)$/],
      ['a missing file', {}, { caFile: join(directory, 'none') }, 'failed', /^caFile: .*none cannot be read: ENOENT/],
      [
        'a file of something else',
        {},
        { caFile: file('junk', '-----BEGIN CERTIFICATE-----\nx') },
        'failed',
        /cannot be used/,
      ],
    ];
  for (const [what, server, options, reason, message] of faults)
    it(`names ${what}`, async () => {
      const finding = await checked(server, options);
      assert.equal(finding.passed, false);
      assert.equal(finding.reason, reason);
      assert.equal(finding.isOwnFault ?? false, reason === 'failed');
      assert.match(finding.message, message);
    });

  it('accepts what is self-signed when it may, and still looks at its name', async () => {
    assert.equal((await checked(selfSigned, { allowSelfSigned: true, serverName })).passed, true);
    const finding = await checked(selfSigned, { allowSelfSigned: true, serverName: 'x.example.org' });
    assert.equal(finding.reason, 'wrong certificate');
  });

  it('only warns of what is wrong when it does not verify', async () => {
    const finding = await checked(expiredCertificate, { verify: false });
    assert.equal(finding.passed, true);
    assert.equal(finding.warning, 'the certificate expired on 2021-01-01');
  });

  it('refuses a certificate without its key', () =>
    assert.throws(() => tlsCheck({ certificateFile: 'a' }), { option: 'keyFile', message: /both or none/ }));

  it('names whom a certificate is for in a short text that steers no terminal', () => {
    const values = { verify: true, allowSelfSigned: false, minTlsVersion: 'TLSv1.2', expiryWarningDays: 14 } as const;
    const dates = { raw: Buffer.of(1), valid_from: '2020-01-01', valid_to: '2036-01-31' };
    const faultOf = (CN: string | string[]) => {
      const certificate = { ...dates, subject: { CN } } as never;
      const { fault = '' } = judgeCertificate(
        certificate,
        undefined,
        { ...values, serverName },
        Date.parse('2026-01-01'),
      );
      return fault.slice(fault.indexOf('but for'));
    };
    assert.equal(faultOf(['\x1b[2Jevil', 'b\n']), 'but for \\u001b[2Jevil,b\\u000a');
    assert.equal(faultOf('x'.repeat(60_000)), `but for ${'x'.repeat(200)}`);
  });

  it('warns some days before a certificate expires', () => {
    const values = { verify: true, allowSelfSigned: false, minTlsVersion: 'TLSv1.2', expiryWarningDays: 14 } as const;
    const certificate = { raw: Buffer.of(1), valid_from: '2020-01-01', valid_to: '2026-01-31' } as never;
    const on = (day: string) => judgeCertificate(certificate, undefined, values, Date.parse(day));
    assert.equal(on('2026-01-17').warning, undefined);
    assert.equal(on('2026-01-17T01:00Z').warning, 'the certificate expires in 13 days, on 2026-01-31');
    assert.equal(on('2026-02-01').fault, 'the certificate expired on 2026-01-31');
    assert.equal(on('2019-12-31').fault, 'the certificate is not valid yet');
  });

  it('names what does not speak TLS, and leaves nothing open', () =>
    leavesNothingOpen(async () => {
      await using plain = await serve((socket) => socket.end('220 mail.example.org\r\n'));
      await using closing = await serve((socket) => socket.once('data', () => socket.end()));
      await using resetting = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
      await using alerting = await serve((socket) =>
        socket.once('data', () => socket.write('\x15\x03\x01\x00\x02\x02\x28')),
      );
      const found = async (port: number) => {
        const { reason, message, mend } = await findingOf(tlsCheck(), port);
        return [reason, message, mend];
      };
      const mend = 'Look whether the port speaks TLS.';
      assert.deepEqual(await found(plain.port), ['wrong answer', 'TLS: wrong version number', mend]);
      assert.deepEqual((await found(closing.port))[0], 'closed');
      assert.deepEqual((await found(resetting.port))[0], 'closed');
      assert.match(String((await found(alerting.port))[1]), /^TLS: .*alert handshake failure$/);
    }));

  it('ends in time with a server that accepts and never answers', () =>
    leavesNothingOpen(async () => {
      const silent = await serve(() => {});
      await using _ = silent;
      const isAsked = (async () => {
        while (silent.taken.length === 0) await new Promise(setImmediate);
        await once(silent.taken[0] as never, 'data');
      })();
      const finding = await findingOf(tlsCheck(), silent.port, abortedBy(isAsked));
      assert.deepEqual(finding, {
        passed: false,
        reason: 'timeout',
        message: 'connected, but no end of the TLS handshake',
      });
    }));
});
