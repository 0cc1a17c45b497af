/** docs/control.md is what the routes give. */
import { strict as assert } from 'node:assert';
import { PROBLEM_BASE } from '../../lib/control/problem.js';
import { errorMeanings } from '../../lib/values/errors.js';
import { CONTROL_PAGE, controlPage } from '../support/control-page.js';
import { readPage } from '../support/doc-blocks.js';

describe('the page of the control API', () => {
  it('is what the routes give: run "npm run docs" where it is not', async () => {
    assert.equal(readPage(CONTROL_PAGE), await controlPage());
  });

  it('has the heading that the type of each problem leads to', () => {
    assert.ok(PROBLEM_BASE.endsWith(`${CONTROL_PAGE}#`));
    const page = readPage(CONTROL_PAGE);
    for (const code of Object.keys(errorMeanings)) assert.ok(page.includes(`\`${code}\`: `), code);
  });
});
