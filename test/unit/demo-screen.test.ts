import { strict as assert } from 'node:assert';
import { Screen } from '../../lib/demo/screen.js';
import { renderTable } from '../../lib/demo/table.js';

class Output {
  text = '';
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
}

describe('Screen', () => {
  it('keeps the table below the lines on a terminal', () => {
    const output = new Output(true);
    const screen = new Screen(output);
    screen.update(['a', 'b']);
    screen.print('line');
    assert.equal(output.text, 'a\nb\n\x1b[2A\x1b[0Jline\na\nb\n');
  });

  it('redraws a table of another height', () => {
    const output = new Output(true);
    const screen = new Screen(output);
    screen.update(['a', 'b']);
    screen.update(['c']);
    assert.equal(output.text, 'a\nb\n\x1b[2A\x1b[0Jc\n');
  });

  it('writes no control sequences elsewhere, and the table when it is asked for', () => {
    const output = new Output(false);
    const screen = new Screen(output);
    screen.update(['old']);
    screen.print('line');
    screen.update(['new']);
    screen.printTable();
    assert.equal(output.text, 'line\nnew\n');
  });
});

describe('renderTable', () => {
  it('has a row for each real server, in the order of addresses', () => {
    const server = (address: string, weight: number) => ({
      address,
      weight,
      activeConnections: 1,
      inactiveConnections: 2,
      totals: { connections: '30', inPackets: 400 },
      rates: { connections: 4.6, inPackets: 50.2 },
    });
    const services = [
      {
        protocol: 'tcp',
        address: '10.9.9.9',
        port: 80,
        scheduler: 'wrr',
        servers: [server('10.3.0.11', 3), server('10.3.0.9', 0)],
      },
    ];
    const lines = renderTable({ counters: {}, services }, new Map([['10.3.0.9', 'rs0']]));
    assert.deepEqual(
      lines.map((line) => line.trim().split(/\s{2,}/)),
      [
        [''],
        ['TCP 10.9.9.9:80, wrr'],
        ['real server', 'address', 'weight', 'active', 'inactive', 'connections', 'packets', 'conn/s', 'packets/s'],
        ['rs0', '10.3.0.9', '0', '1', '2', '30', '400', '5', '50'],
        ['10.3.0.11', '3', '1', '2', '30', '400', '5', '50'],
        [''],
      ],
    );
  });
});
