// How much memory is free, in pages, as IPVS counts it for its automatic defences: free ones and those of buffers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tunvs {

// Of this host; nothing when it does not tell.
std::optional<uint64_t> availablePages();
// `meminfo`: the text of /proc/meminfo.
std::optional<uint64_t> availablePages(std::string_view meminfo, uint64_t pageBytes);

}  // namespace tunvs
