// Decides at which packets a master tells its backups of a connection, as IPVS does with the same sysctls.
//
// It is asked for each of the client's packets that is counted, and not for the server's. A connection's state may have
// been changed by the server's packet before. Behind a connection, its controller is asked (isControllerAsked()).
// An entry that expires, and goes on because it still controls others, is asked about with `threshold` packets.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "core/ticks.h"
#include "sync/sync_record.h"

namespace tunvs {

// SyncSettings are the sysctls, with their defaults.
struct SyncSettings {
  uint32_t threshold = 3;      // sync_threshold's first number: which packet of each period; < period, unless that is 0
  uint32_t period = 50;        // its second number, in packets; 0: only the packet `threshold` of a connection
  Tick refresh = 0;            // sync_refresh_period: what is told again sooner than this is held back; 0: nothing
  uint8_t retries = 0;         // sync_retries: how often it is told again in spite of that; [0, 3]
  bool templatesOnly = false;  // sync_persist_mode: of what persistence controls, only the template is told
};

// A SyncMemory is what an entry remembers of what was told last. One that a record has made begins with its state, and
// with nothing told.
struct SyncMemory {
  Tick expiry = 0;      // when it would expire, as of then
  uint8_t state = 0;    // the state that was told
  uint8_t repeats = 0;  // [0, 3], how often in a row it has been told again within `refresh`
  bool isTold = false;  // false: `expiry` means nothing yet
  friend bool operator==(const SyncMemory&, const SyncMemory&) = default;
};

// A SyncEntry is an entry as it is behind a packet.
struct SyncEntry {
  uint8_t protocol = 0;
  uint8_t state = 0;  // the protocol's own number, < syncStatesOf(protocol)
  bool isTemplate = false;
  bool isOnePacket = false;
  bool isPersistent = false;  // a template controls it
  uint32_t packets = 0;       // with this one; a template's are those of all that it controls
  Tick timeout = 0;           // it expires at `now` + timeout unless there is another packet
};

// Decides where decideSync() does not: the entry is a template, its state has changed, or its packets may call for it.
std::optional<SyncMemory> decideSyncInFull(const SyncSettings& settings, const SyncEntry& entry,
                                           const SyncMemory& memory, Tick now);

// Returns what to remember if the entry is to be told, and nullopt if not, when nothing is to be remembered.
inline std::optional<SyncMemory> decideSync(const SyncSettings& settings, const SyncEntry& entry,
                                            const SyncMemory& memory, Tick now) {
  // Most packets change no state, and it is not their turn.
  if (!entry.isTemplate && entry.state == memory.state && settings.period != 0 &&
      entry.packets % settings.period != settings.threshold) [[likely]] {
    return std::nullopt;
  }
  return decideSyncInFull(settings, entry, memory, now);
}

// Tells whether what controls a connection is asked behind it, and counts its packet: its template, or the control
// connection of its FTP data. In version 1 that does not depend on whether the connection was told.
constexpr bool isControllerAsked(SyncVersion version, bool wasTold) { return version == SyncVersion::v1 || wasTold; }

}  // namespace tunvs
