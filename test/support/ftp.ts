/** FTP in a lab: vsftpd as server, and a client of python3 that makes several transfers in one session. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { hasProgram } from './has-program.js';

/** Says why there can be no FTP server here, or returns undefined. */
export function ftpProblem(): string | undefined {
  return hasProgram('vsftpd') ? undefined : 'vsftpd is missing; install it with: apt-get install vsftpd';
}

/** Serves `folder` at the address, to read and, below `in`, to write. REQUIRES: ftpProblem() === undefined */
export async function startFtpServer(host: LabHost, address: string, port: number, folder: string): Promise<void> {
  const isIpv6 = address.includes(':');
  const settings = {
    ...(isIpv6 ? { listen: 'NO', listen_ipv6: 'YES' } : { listen: 'YES', listen_ipv6: 'NO' }),
    [isIpv6 ? 'listen_address6' : 'listen_address']: address,
    listen_port: `${port}`,
    background: 'NO',
    anonymous_enable: 'YES',
    no_anon_password: 'YES',
    anon_root: folder,
    write_enable: 'YES',
    anon_upload_enable: 'YES',
    anon_umask: '022',
    connect_from_port_20: 'YES',
    // It may run in a user namespace, where there is nobody else to become.
    run_as_launching_user: 'YES',
    seccomp_sandbox: 'NO',
    xferlog_enable: 'NO',
    ftpd_banner: host.name,
  };
  // Names that begin with a dot are not listed.
  const file = join(folder, `.${host.name}-ipv${isIpv6 ? 6 : 4}.conf`);
  await writeFile(
    file,
    `${Object.entries(settings)
      .map((pair) => pair.join('='))
      .join('\n')}\n`,
  );
  const server = host.spawn(['vsftpd', file]);
  const isListening = async () =>
    (await host.exec(['ss', '-Hltn', `sport = :${port}`])).stdout.includes(isIpv6 ? `[${address}]` : address);
  for (let tries = 0; !(await isListening()); tries++) {
    if (server.exit !== undefined || tries === 100) throw new Error(`vsftpd does not listen: ${server.stderr}`);
    await sleep(50);
  }
}

export interface FtpRequest {
  address: string;
  /** Where the client listens, or the server; each mode is said by EPRT and EPSV over IPv6. */
  mode: 'active' | 'passive';
  /** Over IPv4 PASV and PORT are usual; this takes EPSV and EPRT there, too. */
  isExtended?: boolean;
  /** How many times it lists, gets and puts, all in one session. */
  rounds: number;
  /** It goes on until this file is there, instead. */
  until?: string;
  /** The name and size of what is there to get. */
  file: string;
  /** The name and size of what is put. */
  put: { name: string; bytes: number };
}

export interface FtpResult {
  /** The name that the server greets with. */
  server: string;
  /** SHA-256 of what was got in each round. */
  got: string[];
  /** SHA-256 of what was put in each round. */
  put: string[];
  /** What the server and the client have said about where data connections go. */
  said: string[];
}

const CLIENT = `
import ftplib, hashlib, io, json, os, random, sys
asked = json.loads(sys.argv[1])
said = []
class Session(ftplib.FTP):
    def putcmd(self, line):
        if line[:4] in ('PORT', 'EPRT'): said.append(line)
        super().putcmd(line)
    def getresp(self):
        reply = super().getresp()
        if reply[:4] in ('227 ', '229 '): said.append(reply)
        return reply
    def makepasv(self):
        if asked.get('isExtended'):
            return self.host, ftplib.parse229(self.sendcmd('EPSV'), self.sock.getpeername())[1]
        return super().makepasv()
    def sendport(self, host, port):
        return self.sendeprt(host, port) if asked.get('isExtended') else super().sendport(host, port)
session = Session(timeout=20)
# Data connections go where the 227 says, as with any client that believes it.
session.trust_server_pasv_ipv4_address = True
session.connect(asked['address'], 21)
server = session.getwelcome().split()[-1]
session.login()
session.set_pasv(asked['mode'] == 'passive')
got, put = [], []
until = asked.get('until')
for round in range(1000000 if until else asked['rounds']):
    if until and os.path.exists(until): break
    names = session.nlst()
    assert asked['file'] in names, names
    digest = hashlib.sha256()
    session.retrbinary('RETR ' + asked['file'], digest.update)
    got.append(digest.hexdigest())
    data = random.randbytes(asked['put']['bytes'])
    session.storbinary('STOR in/%s%d' % (asked['put']['name'], round), io.BytesIO(data))
    put.append(hashlib.sha256(data).hexdigest())
    # Commands between transfers show that the session's sequence numbers are right on both sides.
    for _ in range(3): session.voidcmd('NOOP')
session.quit()
print(json.dumps({'server': server, 'got': got, 'put': put, 'said': said}))
`;

export async function ftpSession(host: LabHost, request: FtpRequest): Promise<FtpResult> {
  const timeoutMs = request.until === undefined ? 30_000 : 300_000;
  const { stdout } = await host.exec(['python3', '-c', CLIENT, JSON.stringify(request)], { timeoutMs });
  return JSON.parse(stdout) as FtpResult;
}
