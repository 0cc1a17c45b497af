// Reads a director's tables for a peer that knows nothing yet, as messages of connection sync.
//
// Thread safety: the master's thread uses it.
#pragma once

#include <deque>
#include <optional>

#include "director/director.h"
#include "engine/clock.h"
#include "sync/peer_teller.h"
#include "sync/sync_sender.h"

namespace tunvs {

class TableReader final : public PeerTeller::TableWalk {
 public:
  // REQUIRES: the director tells as long as this is used
  TableReader(Director& director, uint8_t syncid, size_t maxBytes)
      : director_(director),
        sender_({.syncid = syncid, .maxBytes = maxBytes}, [this](size_t, std::span<const uint8_t> message, size_t) {
          ready_.emplace_back(message.begin(), message.end());
        }) {}

  void begin() override {
    sender_.flushAll();
    ready_.clear();
    cursor_ = 0;
  }
  std::optional<std::vector<uint8_t>> next() override {
    const Tick now = coarseNow();
    for (size_t i = 0; i < kPieces && ready_.empty() && cursor_ != UINT64_MAX; i++) {
      cursor_ = director_.readSyncRecords(cursor_, kEntries, now,
                                          [&](const SyncRecord& record) { sender_.add(record, SyncVersion::v1, 0); });
      if (cursor_ == UINT64_MAX) sender_.flushAll();
    }
    if (ready_.empty() && cursor_ != UINT64_MAX) return std::nullopt;
    if (ready_.empty()) return std::vector<uint8_t>();
    std::vector<uint8_t> message = std::move(ready_.front());
    ready_.pop_front();
    return message;
  }

 private:
  static constexpr size_t kEntries = 64, kPieces = 64;  // looked at in one piece, and pieces in one call

  Director& director_;
  std::deque<std::vector<uint8_t>> ready_;
  SyncSender sender_;
  uint64_t cursor_ = UINT64_MAX;
};

}  // namespace tunvs
