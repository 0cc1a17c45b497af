// Puts records into messages of connection sync, one message at a time:
//
//   for each record: if add() says full, send message(), start() the next one, and add() it again
//
// Thread safety: none; each sender has its own.
//
// Invariants:
//  1. message() is complete after every call: its header counts what is there.
//  2. Every record takes a multiple of four bytes, the last one too; what fills it up is zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sync/sync_record.h"

namespace tunvs {

enum class SyncAdded : uint8_t {
  yes,
  full,   // it fits into the next message
  never,  // no message of this version and size can hold it
};

class SyncWriter {
 public:
  // Messages are at most as long as `room`, which is the writer's as long as it lives, or 65,535 bytes.
  // REQUIRES: room.size() >= 8
  SyncWriter(std::span<uint8_t> room, SyncVersion version, uint8_t syncid);
  SyncWriter(const SyncWriter&) = delete;
  SyncWriter& operator=(const SyncWriter&) = delete;

  // Adds a record to the message. Flags are written as they are, version 0's lower 16.
  //
  // Neither version holds addresses of more than one family, or an engine's data without its name. Version 0 holds no
  // IPv6 and no engine's data; it leaves out what it has no field for, and sequence data that the flags do not
  // announce, and writes zeros for sequence data that is missing.
  SyncAdded add(const SyncRecord& record);

  // Returns the message as it is, which is empty without records. It holds until the next call of start() or add().
  std::span<const uint8_t> message() const { return room_.first(records_ == 0 ? 0 : end_); }
  // Begins the next message.
  void start();

 private:
  std::span<uint8_t> room_;
  size_t end_ = 0;      // [4 or 8, room_.size()]
  size_t records_ = 0;  // [0, 255]
  SyncVersion version_;
  uint8_t syncid_;
};

}  // namespace tunvs
