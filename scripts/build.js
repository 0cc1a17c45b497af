/** npm run build [native|ts] builds what is out of date. */
import { ensureBuilt, ensureDependencies, ensureNative, ensureTypescript } from './lib/ensure-built.js';
import { checkRequirements } from './lib/requirements.js';
import { Failure, main } from './lib/run.js';

const parts = { native: () => ensureNative({ tests: true }), ts: ensureTypescript };

await main(async () => {
  const part = process.argv[2];
  if (part && !Object.hasOwn(parts, part))
    throw new Failure(`build: there is no part '${part}'; say native, ts, or nothing for both`);
  checkRequirements({ needsIp: false });
  if (!part) return ensureBuilt({ tests: true });
  await ensureDependencies();
  await parts[part]();
});
