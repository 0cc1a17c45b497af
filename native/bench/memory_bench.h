// Measures the engine in memory: what a packet costs between being read and being handed to the egress.
//
// Each vector's packets are written into its buffers just before, outside the timed part, so that their headers are in
// the nearest cache, as a device's read would leave them. The timed part is Director::process(), Director::expire() at
// the worker's own pace, and a port that only counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/flow_chooser.h"
#include "core/result.h"

namespace tunvs::bench {

enum class Workload : uint8_t {
  established,  // data packets of existing connections
  open,         // the first packets (SYNs) of new connections
  reply,        // data packets of existing connections' servers, for a method that rewrites; the scheduler is rr
};

inline std::optional<Workload> workloadByName(std::string_view name) {
  if (name == "established") return Workload::established;
  if (name == "open") return Workload::open;
  if (name == "reply") return Workload::reply;
  return std::nullopt;
}

// Where the tables lie.
enum class TableMemory : uint8_t {
  anonymous,  // in huge pages where the kernel gives them
  file,       // in a file in memory, as those of a director that keeps a state: in small pages
  moved,      // the same, moved into huge pages
};

inline std::optional<TableMemory> tableMemoryByName(std::string_view name) {
  if (name == "anonymous") return TableMemory::anonymous;
  if (name == "file") return TableMemory::file;
  if (name == "moved") return TableMemory::moved;
  return std::nullopt;
}

struct MemoryBenchOptions {
  Workload workload = Workload::established;
  uint32_t connections = 1;     // established before timing begins, [0, 2^26]; 0 only for Workload::open
  uint64_t packets = 1u << 22;  // timed, rounded up to whole vectors, [1, 2^40]; at most 2^26 for Workload::open
  Distribution distribution = Distribution::uniform;  // of established connections' packets
  uint32_t packetBytes = 64;                          // [40, 1500]
  std::string scheduler = "wlc";
  std::string forwarding = "ipip";
  uint32_t servers = 16;      // [1, 10000], of weights 1, 2 and 3
  uint32_t weightFactor = 1;  // factor for those weights, [1, 2^20]
  uint32_t tableSize = 0;     // of the scheduler; 0: the scheduler's default
  bool hashesPort = false;  // of the scheduler; flows come from few addresses, so hashing addresses alone tests nothing
  // [1, 64]; more than one only for Workload::established. Then the same stream goes through one worker and through all
  // at once, by turns; each of them has its own share of the flows, as a device's queues have.
  uint32_t workers = 1;
  // The director notes what backups are told, and a thread takes the notes; another director tells nobody, and takes as
  // many packets by turns. Only for Workload::established and one worker.
  bool isMaster = false;
  TableMemory tables = TableMemory::anonymous;
  uint64_t seed = 1;
};

struct MemoryBenchResult {
  uint64_t ns = 0;
  uint64_t packets = 0;
  uint64_t connections = 0;  // open afterwards
  uint64_t tableBytes = 0;
  uint64_t firstNs = 0;     // Workload::open: the first connections after the servers were configured
  uint64_t first = 0;       // how many these were
  uint64_t decisionNs = 0;  // Workload::open: the scheduler's part alone, for flows that are not opened
  uint64_t decisions = 0;
  uint64_t configureNs = 0;  // the transaction that added the service and its servers
  // Of more than one worker: the turns of one, in which `alonePackets` went through, and their CPU time. `ns` and
  // `cpuNs` are sums over all workers that ran at once.
  uint64_t aloneNs = 0, aloneCpuNs = 0, alonePackets = 0;
  uint64_t cpuNs = 0;        // of the threads, with the writing of packets; of one worker only with `isMaster`
  uint64_t untoldCpuNs = 0;  // the same, of the director that tells nobody
  uint64_t clockNs = 0;      // the estimated time within `ns` that went into reading the clock; it is not taken off
};

// Fails when the options are out of range, or when not every packet was forwarded.
Result<MemoryBenchResult> runMemoryBench(const MemoryBenchOptions& options);

}  // namespace tunvs::bench
