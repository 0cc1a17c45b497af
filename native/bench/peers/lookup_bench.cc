// Fills one table and times lookups in it: lookup ENTRIES LOOKUPS SEED. Prints the figures as one line of JSON.
//
// Keys are written just before, outside the timed part, as a parser would leave them in the nearest cache. All lookups
// hit, uniformly at random. The figure is the median of what 256 lookups took, so that it does not count the time that
// others have the CPU. A table that does not find each of them ends the program with an error.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/bench_packet.h"
#include "bench/flow_chooser.h"
#include "bench/peers/lookup_table.h"
#include "engine/clock.h"

namespace tunvs::bench {
namespace {

constexpr size_t kVectors = 4;  // that are timed together: their keys fit the nearest cache
constexpr size_t kTimed = kVectors * kLookups;

// The key that a packet of this flow would have (bench/bench_packet.h).
FlowKey keyOf(uint32_t flow) {
  return FlowKey::make(IpAddress::v4(Be32::from(kFirstClient + flow / kPortsPerClient)),
                       Be16::from(static_cast<uint16_t>(kFirstPort + flow % kPortsPerClient)),
                       IpAddress::v4(192, 0, 2, 1), Be16::from(80), static_cast<uint8_t>(IpProtocol::tcp));
}

// Returns the share of this process's memory that is in huge pages, [0, 1].
double hugeShare() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "r");
  if (file == nullptr) return 0;
  char line[256];
  double all = 0, huge = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "Rss:", 4) == 0) all = std::atof(line + 4);
    if (std::strncmp(line, "AnonHugePages:", 14) == 0) huge = std::atof(line + 14);
  }
  std::fclose(file);
  return all > 0 ? huge / all : 0;
}

int fail(const char* what) {
  std::fprintf(stderr, "lookup: %s\n", what);
  return 1;
}

int run(uint32_t entries, uint64_t lookups, uint64_t seed) {
  const auto table = makeLookupTable(entries);
  if (table == nullptr) return fail("the table could not be made");
  for (uint32_t flow = 0; flow < entries; flow++) {
    if (!table->insert(keyOf(flow), flow + 1)) return fail("the table has no room for all entries");
  }
  FlowChooser chooser(Distribution::uniform, entries, seed);
  uint32_t flows[kTimed];
  FlowKey keys[kTimed];
  uint32_t values[kTimed];
  std::vector<uint64_t> times;
  times.reserve(lookups / kTimed + 1);
  uint64_t misses = 0, wrong = 0;
  for (uint64_t done = 0; done < lookups; done += kTimed) {
    for (size_t i = 0; i < kTimed; i++) {
      flows[i] = chooser.next();
      keys[i] = keyOf(flows[i]);
    }
    const uint64_t begin = monotonicNs();
    for (size_t at = 0; at < kTimed; at += kLookups) {
      table->find(std::span<const FlowKey, kLookups>(keys + at, kLookups),
                  std::span<uint32_t, kLookups>(values + at, kLookups));
    }
    times.push_back(monotonicNs() - begin);
    for (size_t i = 0; i < kTimed; i++) {
      misses += values[i] == 0;
      wrong += values[i] != flows[i] + 1;
    }
  }
  if (misses != 0) return fail("a lookup did not find its entry, so the run does not count");
  if (wrong != 0 && table->holdsKeys()) return fail("a lookup found another entry, so the run does not count");
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  std::printf("{\"nsPerLookup\":%.3f,\"hugeShare\":%.3f,\"table\":\"%s\"}\n", static_cast<double>(*middle) / kTimed,
              hugeShare(), table->describe().c_str());
  return 0;
}

}  // namespace
}  // namespace tunvs::bench

int main(int argc, char** argv) {
  if (argc != 4) return tunvs::bench::fail("the arguments are ENTRIES LOOKUPS SEED");
  const uint64_t entries = std::strtoull(argv[1], nullptr, 10);
  const uint64_t lookups = std::strtoull(argv[2], nullptr, 10);
  if (entries < 1 || entries > tunvs::bench::kMaxFlows / 2 || lookups < 1)
    return tunvs::bench::fail("ENTRIES is from 1 to 2^30, and LOOKUPS at least 1");
  return tunvs::bench::run(static_cast<uint32_t>(entries), lookups, std::strtoull(argv[3], nullptr, 10));
}
