/** How often a test of random inputs runs: as often as it says, times TUNVS_FUZZ_TIMES. */
export function fuzzRuns(usual: number): number {
  const times = Number(process.env.TUNVS_FUZZ_TIMES ?? 1);
  if (!(times > 0)) throw new Error(`TUNVS_FUZZ_TIMES is a positive number, not "${process.env.TUNVS_FUZZ_TIMES}"`);
  return Math.ceil(usual * times);
}
