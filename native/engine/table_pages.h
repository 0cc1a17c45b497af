// Chooses the pages of a running director's connection tables: small ones while there are few connections, so that an
// idle director takes little memory, and huge ones from a 64th of the capacity on, so that lookups miss the TLB less
// often: connections lie anywhere in the table, and by then they have touched most of its small pages. The kernel
// (khugepaged) moves what is there already into huge pages in the background, a table of the default capacity within
// about two minutes.
//
// Thread safety: none; belongs to one worker.
#pragma once

#include "table/conn_table.h"

namespace tunvs {

class TablePages {
 public:
  // Call now and then. True when huge pages were asked for, once for each family.
  bool look(const ConnTable& table) {
    bool& asked = asked_[table.family() == Family::ipv6 ? 1 : 0];
    if (asked || table.liveCount() < table.capacity() / kShare) return false;
    asked = true;
    askForHuge(table.memory());
    return true;
  }

 private:
  static constexpr uint32_t kShare = 64;
  static void askForHuge(std::span<std::byte> memory);

  bool asked_[2] = {};
};

}  // namespace tunvs
