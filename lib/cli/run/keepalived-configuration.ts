/** A director that runs from keepalived's configuration. The file does not say the director's own address. */
import { parseKeepalived } from '../../keepalived/parse-keepalived.js';
import { type CliIo, UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { fileConfiguration, type FileReader } from './file-configuration.js';
import type { RunOptions } from './options.js';
import type { Tell } from './teller.js';

export async function keepalivedConfiguration(
  options: RunOptions,
  file: string,
  io: CliIo,
  tell: () => Tell,
): Promise<Configuration> {
  const { source, keepalivedId } = options;
  if (source === undefined)
    throw new UsageError("keepalived's configuration does not name the director's address: give it with --source");
  const read = { path: file, source, ...(keepalivedId !== undefined && { id: keepalivedId }) };
  const reader: FileReader = {
    option: '--keepalived',
    parse: (bytes) => parseKeepalived(bytes, read),
    parseAgain: async (bytes) => parseKeepalived(bytes, read),
  };
  return fileConfiguration(options, file, io, tell, reader);
}
