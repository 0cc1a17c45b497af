#include "engine/table_pages.h"

#include <sys/mman.h>

namespace tunvs {

// A wish: a kernel without transparent huge pages refuses it.
void TablePages::askForHuge(std::span<std::byte> memory) { madvise(memory.data(), memory.size(), MADV_HUGEPAGE); }

}  // namespace tunvs
