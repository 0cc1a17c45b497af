/**
 * `tunvs/config`: the configuration file, read, checked and put into force.
 *
 * @module
 */
export { openFields, openOptionsOf, serverOptionsOf, serviceKeyOf, serviceSettingsOf } from './library-options.js';
export { type Origin, type Origins, type ServerSpec, type ServiceSpec, type Spec, specSchema } from './spec.js';
