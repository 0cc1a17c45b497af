/** A door that is closed leaves nothing that keeps the process running. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';

const module = (path: string) => JSON.stringify(new URL(`../${path}.js`, import.meta.url).href);

/** A client asks for an answer that never comes, and goes; then the door closes. */
const PROGRAM = `
  import { Doors, dial } from ${module('support/door-client')};
  const doors = new Doors();
  let ask;
  const asked = new Promise((resolve) => (ask = resolve));
  await doors.open({ fetch: () => (ask(), new Promise(() => {})) });
  const client = await dial({ path: doors.path });
  client.write('GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n');
  await asked;
  client.destroy();
  await doors.dispose();
  console.log('closed');
`;

describe('a door that is closed', () => {
  it('keeps no process alive for an answer that never comes', () => {
    // An answer may take a minute.
    const ended = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      encoding: 'utf8',
      timeout: 15_000,
    });
    assert.equal(ended, 'closed\n');
  });
});
