/**
 * `tunvs/config` reads a configuration file, checks it and puts it into force. `docs/configuration.md` lists its fields.
 *
 * @module
 */
export type { ApplyOptions, SessionEvents, SessionOptions } from './apply/desired-session.js';
export type { DnsNotice } from './apply/dns.js';
export { SpecError } from './apply/mistakes.js';
export type { PlannedChange } from './apply/planned-changes.js';
export type { SpecMistake } from './apply/rehearse-spec.js';
export { type DnsResolver, nodeResolver } from './apply/resolver.js';
export { applySpec, type PlacedSpec, planSpec, SpecSession } from './apply/spec-session.js';
export { openOptionsOf } from './library-options.js';
export { ConfigError, type Mistake, mistakeSentence } from './mistake.js';
export { type ParseConfigOptions, type ParsedConfig, parseConfig, type RefusedConfig } from './parse-config.js';
export { type ShownValue, shownValues } from './print-spec.js';
export type { ConfigFiles } from './read/files.js';
export { configSchema } from './schema/json-schema.js';
export type { Origin, Origins, ServerSpec, ServiceSpec, Spec } from './spec.js';
