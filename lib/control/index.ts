/**
 * `tunvs/control`: the doors of a running director, for the daemon and for embedders.
 *
 * @module
 */
export {};
