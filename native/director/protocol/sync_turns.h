// Tells of most packets of most connections, at once, that a master does not tell its backups of the connection.
//
// Thread safety: immutable.
#pragma once

#include <cstdint>

#include "core/multiples.h"
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
      : settings_(settings), periods_(settings.period == 0 ? 1 : settings.period) {
    if (goesByCount()) quick_ = periods_;
  }

  // Tells whether the connection's packet with this number may be its turn, at little cost. If not, the backups are not
  // told of it. REQUIRES: the connection is established, so that nothing is told but by its count. Of a connection that
  // something controls, this is not the whole answer.
  bool mayBeTurn(uint32_t packets) const { return quick_.has(packets - settings_.threshold); }
  // Tells whether it is. REQUIRES: goesByCount()
  bool isTurn(uint32_t packets) const {
    return packets >= settings_.threshold && periods_.has(packets - settings_.threshold);
  }
  // Tells whether counts alone decide, of an established connection.
  bool goesByCount() const { return settings_.period != 0 && settings_.refresh == 0; }
  const SyncSettings& settings() const { return settings_; }

 private:
  SyncSettings settings_;
  Multiples periods_;
  Multiples quick_ = Multiples::any();  // has all packets unless counts alone decide
};

}  // namespace tunvs
