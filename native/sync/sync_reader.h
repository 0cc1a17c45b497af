// Reads a message of connection sync, as far as a kernel backup does: what stands before a malformed record is taken,
// and a record that is well formed and means nothing here is left out alone.
//
// Who sent a message is not known. So every length in it is checked, and nothing beyond the datagram is read.
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "sync/sync_record.h"
#include "sync/sync_refusal.h"

namespace tunvs {

// A SyncCursor is a place in a message.
struct SyncCursor {
  SyncVersion version = SyncVersion::v1;
  size_t at = 0;    // where the next record begins; padding that is missing may put it beyond the end
  size_t left = 0;  // records still to come, as the header counts them; [0, 255]
};

// Reads the header, and puts `cursor` before the first record. Takes messages of this syncid, or of any for 0; the
// syncid 0 in a message is one like the others. What a refusal leaves in `cursor` means nothing.
std::optional<SyncRefusal> openSyncMessage(std::span<const uint8_t> datagram, uint8_t syncid, SyncCursor& cursor);

// Reads one record, and moves `cursor` on; a refusal that takes the rest with it leaves no records to come.
// What a refusal leaves in `record` means nothing. REQUIRES: cursor.left > 0
std::optional<SyncRefusal> readSyncRecord(std::span<const uint8_t> datagram, SyncCursor& cursor, SyncRecord& record);

// Reads a whole message, and calls take(const SyncRecord&) for each record and refuse(SyncRefusal) for each part that
// is not taken, in the message's order. Bytes behind the last record that the header counts are ignored.
template <typename Take, typename Refuse>
void readSyncMessage(std::span<const uint8_t> datagram, uint8_t syncid, Take&& take, Refuse&& refuse) {
  SyncCursor cursor;
  if (const auto refusal = openSyncMessage(datagram, syncid, cursor)) {
    refuse(*refusal);
    return;
  }
  SyncRecord record;
  while (cursor.left > 0) {
    if (const auto refusal = readSyncRecord(datagram, cursor, record)) {
      refuse(*refusal);
    } else {
      take(std::as_const(record));
    }
  }
}

}  // namespace tunvs
