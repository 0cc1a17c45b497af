/** The command that runs node-gyp: the checkout's, or npm's own where npm runs the script. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './run.js';

/** Where this node's own headers are, when it came with them: nothing is downloaded then. */
export function headersFolder() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}

/** [command, arguments]. A folder of headers that the user names (`--nodedir`) goes before this node's own. */
export function nodeGyp(...args) {
  const own = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const script = [own, process.env.npm_config_node_gyp].find((path) => path && existsSync(path));
  const folder = process.env.npm_config_nodedir ? undefined : headersFolder();
  const all = [...(folder ? [`--nodedir=${folder}`] : []), ...args];
  return script ? [process.execPath, [script, ...all]] : ['node-gyp', all];
}
