// An IndexTable is a table of servers, each named by its place in the list that the table was made from.
#pragma once

#include <vector>

#include "scheduler/scheduler.h"

namespace tunvs {

struct IndexTable final : Prepared {
  static constexpr uint32_t kEmpty = UINT32_MAX;

  explicit IndexTable(size_t size) : slots(size, kEmpty) {}

  // Returns null for an empty slot.
  const Candidate* at(ServerList servers, size_t slot) const {
    const uint32_t index = slots[slot];
    return index == kEmpty ? nullptr : servers[index];
  }

  std::vector<uint32_t> slots;
};

}  // namespace tunvs
