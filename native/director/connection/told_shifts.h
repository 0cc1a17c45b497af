// How far clients' sequence numbers have moved in connections whose packets begin with a PROXY header. It lies beside
// the connection table; a bit of the reply entry says that a connection is in here.
//
// Thread safety: any thread may call everything; connections are spread over several locks.
#pragma once

#include <array>
#include <unordered_map>

#include "core/inet.h"
#include "core/spin_lock.h"
#include "ftp/sequence_shift.h"

namespace tunvs {

class ToldShifts {
 public:
  // These name a connection by its reply entry, as ConnTable::referenceOf() does.

  // Begins a connection anew. Call this, and forget(), under the lock of the connection's shard, while it is live.
  void begin(Family family, uint32_t reply, const SequenceShift& shift) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    part.shifts[nameOf(family, reply)] = shift;
  }
  // Returns what shifts nothing when the connection is not in here.
  SequenceShift of(Family family, uint32_t reply) const {
    const Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    const auto found = part.shifts.find(nameOf(family, reply));
    return found == part.shifts.end() ? SequenceShift{} : found->second;
  }
  void forget(Family family, uint32_t reply) {
    Part& part = partOf(reply);
    SpinGuard guard(part.lock);
    part.shifts.erase(nameOf(family, reply));
  }

 private:
  static constexpr size_t kParts = 64;

  struct alignas(64) Part {
    mutable SpinLock lock;
    std::unordered_map<uint64_t, SequenceShift> shifts;
  };
  static uint64_t nameOf(Family family, uint32_t reply) { return uint64_t{family == Family::ipv6} << 32 | reply; }
  Part& partOf(uint32_t reply) { return parts_[reply * 0x9e3779b1u >> 26]; }
  const Part& partOf(uint32_t reply) const { return parts_[reply * 0x9e3779b1u >> 26]; }

  std::array<Part, kParts> parts_;
};

}  // namespace tunvs
