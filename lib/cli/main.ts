#!/usr/bin/env node
import './quiet-signals.js';
import { guardOutput } from './output.js';
import { runCli } from './program.js';
import { verbs } from './verbs/index.js';

const { stdin, stdout, stderr } = process;
const io = { stdin, stdout, stderr };
guardOutput(io);
void runCli(process.argv.slice(2), verbs, io).then((exitCode) => {
  process.exitCode = exitCode;
});
