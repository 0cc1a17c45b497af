// Maps a file that lies in memory so that it can be in huge pages, and moves it into those. A tmpfs gives small pages
// unless it is mounted with `huge=`, and lookups among many connections then miss the TLB nearly every time.
//
// Thread safety: pure; others may use the memory meanwhile. Whoever touches a piece while it is moved waits for that.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>

#include "core/result.h"

namespace tunvs {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// Maps all of the file at an address where its pieces of kHugePageBytes could be huge pages. Fails with errno.
Result<std::span<std::byte>> mapFile(int fd, size_t bytes);

// Moves a piece at a time, with a pause behind each, until all is done or it is asked to stop. Returns how many bytes
// lie in huge pages now, as far as it has come: none, and at once, where the kernel moves nothing (before Linux 6.1, or
// without huge pages). REQUIRES: mapFile() returned `memory`
size_t moveToHugePages(std::span<std::byte> memory, const std::stop_token& stop = {});

}  // namespace tunvs
