// How much of some memory is in RAM, and how much of that lies in huge pages, out of the text of /proc/self/smaps.
//
// The kernel counts by mapping. When a mapping is larger than what is asked about, because it merged its neighbours,
// the answer is at most the part that is asked about.
//
// Thread safety: all functions are pure, or read the kernel's files alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tunvs {

struct PageUse {
  uint64_t residentBytes = 0;
  uint64_t hugeBytes = 0;  // of those; anonymous memory, and files in memory
};

// Counts what `smaps` says of the mappings that the memory touches. A line that is not understood is passed over.
PageUse pageUseIn(std::string_view smaps, std::span<const std::byte> memory);

// The text for this process now: some hundred kilobytes, which the kernel takes a few milliseconds to write.
Result<std::string> readSmaps();

}  // namespace tunvs
