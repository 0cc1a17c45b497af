/** The examples in doc comments that open a device, each on a host of its own. */
import { strict as assert } from 'node:assert';
import { type CompiledExamples, compileExamples, docExamples } from '../support/doc-examples.js';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const examples = docExamples().filter(({ opensDevice }) => opensDevice);

describeLab('the examples in doc comments that open a device', () => {
  let host: LabHost;
  let compiled: CompiledExamples;

  beforeOnLoneHost((made) => {
    host = made;
  });

  before(() => {
    compiled = compileExamples(examples);
  });

  after(() => compiled?.dispose());

  for (const example of examples) {
    it(`${example.name}: runs and prints what it says`, async () => {
      assert.deepEqual(compiled.mistakes(example), []);
      const { stdout } = await host.exec([process.execPath, compiled.program(example)]);
      assert.deepEqual(stdout.split('\n').slice(0, -1), example.prints);
    });
  }
});
