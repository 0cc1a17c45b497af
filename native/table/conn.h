// A Conn is an entry of the connection table: a connection, or a persistence template, which keeps a client on its real
// server.
//
// Thread safety: key fields are written before the entry is published and hold while it is live; whoever found the
// entry may write the atomics.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>

#include "core/flow_key.h"
#include "core/ticks.h"

namespace tunvs {

enum ConnFlag : uint8_t {
  kConnLive = 0x01,        // findable; cleared by removal
  kConnInactive = 0x02,    // counted in its server's inactive connections, not in the active ones
  kConnInvalid = 0x04,     // no longer found: a template that waits for its deadline, or a reply entry behind another
  kConnProven = 0x08,      // a template, or a reply entry, whose connection has shown something (standing.h)
  kConnFast = 0x10,        // a fast path in the kernel takes its packets, and clears this with one that it leaves
  kConnHandedOver = 0x20,  // had kConnFast at some time, so a program may hold it when it is removed
  kConnTold = 0x40,        // backups were told that it is established, behind what its SyncCell says
};

struct alignas(32) Conn {
  uint64_t addresses;  // IPv4: client | virtual << 32; IPv6: unused
  uint32_t ports;      // as in FlowKey
  uint8_t protocol;
  FlowKind kind;
  std::atomic<uint8_t> state;
  std::atomic<uint8_t> flags;     // ConnFlag
  std::atomic<uint32_t> server;   // stable id of the real server; more in director/connection/translated.h
  std::atomic<Tick> expires;      // deadline
  std::atomic<uint32_t> packets;  // a connection's packets so far, wraps; a template's timeout in ticks
  // A connection keeps its template here, as ConnTable::referenceOf() names it, or 0 for none; a template keeps its
  // count of connections.
  std::atomic<uint32_t> control;

  bool isLive() const { return flags.load(std::memory_order_acquire) & kConnLive; }
  bool hasExpired(Tick now) const { return reached(now, expires.load(std::memory_order_relaxed)); }
  // Returns true when the entry is live, may be found and has this tail of a FlowKey. It is one comparison, because
  // ports, protocol, kind, state and flags lie in one word.
  bool isFindableAs(uint64_t tail) const;
};
static_assert(sizeof(Conn) == 32);

inline bool Conn::isFindableAs(uint64_t tail) const {
  if constexpr (std::endian::native == std::endian::little) {
    using Word [[gnu::may_alias]] = uint64_t;
    constexpr size_t kAt = 8;
    static_assert(offsetof(Conn, ports) == kAt && offsetof(Conn, protocol) == kAt + 4 &&
                  offsetof(Conn, kind) == kAt + 5);
    static_assert(offsetof(Conn, state) == kAt + 6 && offsetof(Conn, flags) == kAt + 7);
    constexpr uint64_t kKey = (uint64_t{1} << 48) - 1, kFlagsAt = 56;
    constexpr uint64_t kAsked = kKey | uint64_t{kConnLive | kConnInvalid} << kFlagsAt;
    const auto* word = reinterpret_cast<const Word*>(reinterpret_cast<const std::byte*>(this) + kAt);
    return (__atomic_load_n(word, __ATOMIC_ACQUIRE) & kAsked) == (tail | uint64_t{kConnLive} << kFlagsAt);
  } else {
    return FlowKey::makeTail(ports, protocol, kind) == tail &&
           (flags.load(std::memory_order_acquire) & (kConnLive | kConnInvalid)) == kConnLive;
  }
}

struct Conn6 : Conn {
  uint64_t words[4];  // as in FlowKey
};
static_assert(sizeof(Conn6) == 64);

// A connection begins with these, beside its key.
struct NewConn {
  uint32_t server;
  Tick expires;
  uint8_t flags = 0;  // ConnFlag, without kConnLive
  uint8_t state = 0;
  uint32_t packets = 0;
  uint32_t control = 0;
};

}  // namespace tunvs
