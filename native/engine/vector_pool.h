// The vectors that a worker reads into. One is enough as long as its port has sent everything when send() returns.
// While the port holds buffers of it, others are used, up to a bound. A worker that has none left does not read.
//
// Thread safety: none; it belongs to one worker.
#pragma once

#include <array>
#include <memory>

#include "packet/packet_vector.h"

namespace tunvs {

class VectorPool {
 public:
  static constexpr size_t kMax = 8;

  explicit VectorPool(size_t maxPacketBytes) : maxPacketBytes_(maxPacketBytes) {
    vectors_[0] = std::make_unique<PacketVector>(maxPacketBytes);
  }

  // Returns a vector that no port holds; the last call's if possible, as it is in the nearest cache. Null when all are
  // held.
  PacketVector* free() {
    if (!vectors_[last_]->isHeld()) [[likely]]
      return vectors_[last_].get();
    for (size_t i = 0; i < kMax; i++) {
      if (vectors_[i] == nullptr) vectors_[i] = std::make_unique<PacketVector>(maxPacketBytes_);
      if (vectors_[i]->isHeld()) continue;
      last_ = i;
      return vectors_[i].get();
    }
    return nullptr;
  }

 private:
  size_t maxPacketBytes_;
  size_t last_ = 0;
  std::array<std::unique_ptr<PacketVector>, kMax> vectors_;  // null: not needed yet
};

}  // namespace tunvs
