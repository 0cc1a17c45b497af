/** dnsmasq in a lab, which knows one name, or none. It answers from the address that was asked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const KNOWN_NAME = 'www.example.org';
export const KNOWN_ADDRESS = '192.0.2.7';

export class DnsmasqFolder {
  readonly #names: string;

  constructor(folder: string) {
    this.#names = join(folder, 'names');
    this.know(true);
  }

  get command(): string[] {
    const quiet = ['--conf-file=/dev/null', '--pid-file=', '--user=root', '--no-daemon'];
    return ['dnsmasq', ...quiet, '--no-resolv', '--no-hosts', `--addn-hosts=${this.#names}`];
  }

  /** Takes effect by SIGHUP. */
  know(isKnown: boolean): void {
    writeFileSync(this.#names, isKnown ? `${KNOWN_ADDRESS} ${KNOWN_NAME}\n` : '');
  }
}
