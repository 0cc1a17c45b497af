// Reads how many pages of memory are free, as IPVS counts for its automatic defences: free pages and those of buffers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs {

// Reads this host's number. Returns nothing when the host does not tell.
std::optional<uint64_t> availablePages();
// `meminfo` is the text of /proc/meminfo.
std::optional<uint64_t> availablePages(std::string_view meminfo, uint64_t pageBytes);

}  // namespace tunvs
