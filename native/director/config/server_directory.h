// What the server ids of a connection table stand for, in memory that outlives the process: a table that is taken over
// is of use only with it.
//
// A process may die at any store, so a record is twofold; a checksum tells what nobody has written so.
//
// Thread safety: one control thread. Who takes the memory over is alone with it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/twofold.h"
#include "director/config/service_key.h"
#include "forward/tunnel_options.h"

namespace tunvs {

class ServerDirectory {
 public:
  static constexpr uint32_t kMaxServers = 1u << 16;

  struct Entry {
    ServiceKey service;
    ServerKey server;
    TunnelOptions tunnel;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  static constexpr size_t bytes() { return kMaxServers * sizeof(Record); }

  // `memory` is zeroed, or holds a directory. REQUIRES: aligned to 64 bytes, bytes() long, outlives this
  explicit ServerDirectory(std::span<std::byte> memory) : records_(reinterpret_cast<Record*>(memory.data())) {}

  // REQUIRES: id < kMaxServers
  void write(uint32_t id, const Entry& entry);
  void erase(uint32_t id) { records_[id].erase(); }
  // Returns nothing where there is none, or something that write() has not written.
  std::optional<Entry> read(uint32_t id) const;

 private:
  // Everything has a place of its own, and no byte is left to chance.
  struct Copy {
    uint8_t serviceAddress[16], serverAddress[16];
    uint32_t mark;
    uint16_t port, lastPort, serverPort, tunnelPort;
    uint8_t serviceFamily, protocol, prefix, serverFamily, method, tunnelChecksum, told, zero;
    uint32_t check;
  };
  static_assert(sizeof(Copy) == 56);
  struct alignas(64) Record : Twofold<Copy> {};
  static_assert(sizeof(Record) == 128);

  static Copy copyOf(const Entry& entry);
  static std::optional<Entry> entryOf(const Copy& copy);
  static uint32_t checkOf(const Copy& copy);

  Record* records_;
};

}  // namespace tunvs
