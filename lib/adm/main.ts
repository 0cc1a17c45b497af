#!/usr/bin/env node
import { run } from './run.js';

// The outputs are written synchronously, so nothing is lost at the exit.
process.exit(await run(process.argv[1] ?? '', process.argv.slice(2), process.env));
