/** Prints `ipvsadm -L -c`. */
import { type WriteEndpoint, writeNumbers } from './names.js';
import type { ListedConnection } from './rows.js';

/** `withEngines` adds the two columns of `--persistent-conn`. */
export function connectionsTitle(withEngines: boolean): string {
  const title = 'pro expire state       source             virtual            destination';
  return `IPVS connection entries\n${withEngines ? `${title}        pe name          pe_data` : title}\n`;
}

export function connectionLine(
  connection: ListedConnection,
  withEngines: boolean,
  write: WriteEndpoint = writeNumbers,
): string {
  const { protocol, client, virtual, server, state, expiresMs, persistenceEngine } = connection;
  const cells = [
    protocol.toUpperCase().padEnd(3),
    minutesAndSeconds(expiresMs).padEnd(6),
    state.padEnd(11),
    write(client, protocol).padEnd(18),
    write(virtual, protocol).padEnd(18),
    write(server, protocol),
  ];
  if (withEngines && persistenceEngine) {
    cells.push(cells.pop()?.padEnd(18) ?? '', persistenceEngine.name.padEnd(16), persistenceEngine.data);
  }
  return `${cells.join(' ')}\n`;
}

/** Rounds down, as the kernel does. */
function minutesAndSeconds(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  return `${twoDigits(Math.floor(seconds / 60))}:${twoDigits(seconds % 60)}`;
}
