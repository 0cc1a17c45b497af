/**
 * `tunvs/config`: the configuration file, read, checked and put into force.
 *
 * @module
 */
export { openFields, openOptionsOf, serverOptionsOf, serviceKeyOf, serviceSettingsOf } from './library-options.js';
export { ConfigError, type Mistake, mistakeSentence } from './mistake.js';
export { type ParseConfigOptions, type ParsedConfig, parseConfig, type RefusedConfig } from './parse-config.js';
export type { ConfigFiles } from './read/files.js';
export { configSchema, type JsonSchema } from './schema/json-schema.js';
export { type Origin, type Origins, type ServerSpec, type ServiceSpec, type Spec, specSchema } from './spec.js';
