#include "sync/sync_decision.h"

#include <algorithm>

#include "core/inet.h"

namespace tunvs {
namespace {

constexpr Tick kLeastSyncRefresh = ticksFromSeconds(10);  // what half of a short timeout is at least

// A SyncStates says in which states a protocol's connections are told, a bit each. A change to one of them is told at
// once, except to `established`.
struct SyncStates {
  uint32_t told;
  uint8_t established;
};
template <typename... States>
constexpr uint32_t bitsOf(States... states) {
  return (0u | ... | (1u << states));
}
// These are ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE and CLOSE_WAIT. LAST_ACK is not among them.
constexpr SyncStates kTcpSyncStates = {bitsOf(1, 4, 5, 6, 7), 1};
// These are ESTABLISHED, SHUTDOWN_SENT, SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT and CLOSED.
constexpr SyncStates kSctpSyncStates = {bitsOf(8, 9, 10, 11, 13), 8};

const SyncStates* syncStatesToldOf(uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp: return &kTcpSyncStates;
    case IpProtocol::sctp: return &kSctpSyncStates;
    default: return nullptr;  // UDP has one state
  }
}

// Returns how often in a row the entry has been told again, with this time; nullopt when it is held back.
std::optional<uint8_t> syncRepeats(const SyncSettings& settings, const SyncEntry& entry, const SyncMemory& memory,
                                   Tick now) {
  if (settings.refresh == 0 || !memory.isTold) return 0;
  const auto moved = static_cast<int32_t>(now + entry.timeout - memory.expiry);
  const Tick distance = moved < 0 ? 0 - static_cast<Tick>(moved) : static_cast<Tick>(moved);
  if (distance >= std::min(settings.refresh, std::max(entry.timeout / 2, kLeastSyncRefresh))) return 0;
  const Tick toldAt = memory.expiry - entry.timeout;
  if (memory.repeats >= settings.retries || !reached(now, toldAt + settings.refresh / 8)) return std::nullopt;
  return static_cast<uint8_t>(memory.repeats + 1);
}

bool isSyncTurn(const SyncSettings& settings, const SyncEntry& entry) {
  if (settings.period != 0) return entry.isTemplate || entry.packets % settings.period == settings.threshold;
  return settings.refresh != 0 || entry.packets == settings.threshold;
}

}  // namespace

std::optional<SyncMemory> decideSyncInFull(const SyncSettings& settings, const SyncEntry& entry,
                                           const SyncMemory& memory, Tick now) {
  if (entry.isOnePacket) return std::nullopt;
  SyncMemory told{now + entry.timeout, entry.state, 0, true};
  if (!entry.isTemplate) {
    if (settings.templatesOnly && entry.isPersistent) return std::nullopt;
    if (const SyncStates* const states = syncStatesToldOf(entry.protocol)) {
      if ((states->told >> entry.state & 1) == 0) return std::nullopt;
      if (entry.state != memory.state && entry.state != states->established) return told;
    }
  }
  const auto repeats = syncRepeats(settings, entry, memory, now);
  if (!repeats || !isSyncTurn(settings, entry)) return std::nullopt;
  told.repeats = *repeats;
  return told;
}

}  // namespace tunvs
