/**
 * `tunvs/config`: the configuration file, read, checked and put into force.
 *
 * @module
 */
export {};
