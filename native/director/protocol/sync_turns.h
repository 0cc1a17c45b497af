// Tells of most packets of most connections, at once, that a master does not tell its backups of the connection.
//
// Thread safety: immutable.
#pragma once

#include <cstdint>

#include "core/remainder.h"
#include "director/protocol/protocol_state.h"
#include "director/protocol/tunables.h"
#include "sync/sync_decision.h"

namespace tunvs {

inline SyncSettings syncSettingsOf(const Tunables& tunables) {
  SyncSettings settings;
  settings.threshold = static_cast<uint32_t>(tunables.syncThreshold);
  settings.period = static_cast<uint32_t>(tunables.syncPeriod);
  settings.refresh = ticksFromSeconds(static_cast<uint32_t>(tunables.syncRefreshPeriod));
  settings.retries = static_cast<uint8_t>(tunables.syncRetries);
  settings.templatesOnly = tunables.syncPersistMode != 0;
  return settings;
}

inline SyncVersion syncVersionOf(const Tunables& tunables) {
  return tunables.syncVersion == 0 ? SyncVersion::v0 : SyncVersion::v1;
}

class SyncTurns {
 public:
  SyncTurns() : SyncTurns(SyncSettings{}) {}
  explicit SyncTurns(const SyncSettings& settings)
      : settings_(settings),
        period_(settings.period == 0 ? 1 : settings.period),
        isPlain_(settings.period != 0 && settings.refresh == 0) {}

  // Tells whether a packet is certainly not its connection's turn: the connection is established, so that nothing is
  // told but by its count. Of a connection that something controls, that is not the whole answer.
  bool isQuiet(uint8_t protocol, uint8_t state, uint32_t packets) const {
    return isPlain_ && state == establishedState(protocol) && period_.of(packets) != settings_.threshold;
  }
  const SyncSettings& settings() const { return settings_; }

 private:
  SyncSettings settings_;
  Remainder period_;
  bool isPlain_;  // only counts decide, of an established connection
};

}  // namespace tunvs
