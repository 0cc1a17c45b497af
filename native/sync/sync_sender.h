// A SyncSender gathers a master's records into messages, as IPVS does: a message leaves when the next record does not
// fit into it, or when its first record has waited for as long as the options say.
//
//   for each record: add()                  now and then: flush()
//
// With several ports, the client's address chooses one, so that a connection and its template keep their order. Backups
// have to listen to as many.
//
// Thread safety: none. It is pure: whoever makes it gives it the time, and sends.
// Invariant: a message that send() gets has at least one record, and is at most as long as was said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "sync/sync_record.h"
#include "sync/sync_writer.h"

namespace tunvs {

class SyncSender {
 public:
  static constexpr uint64_t kWaitMs = 2000;  // IPVS's
  static constexpr size_t kMaxPorts = 64;

  struct Options {
    uint8_t syncid = 0;
    size_t maxBytes = 1472;  // of a message, [kLeastBytes, 65535]
    size_t ports = 1;        // a power of two, <= kMaxPorts
    uint64_t waitMs = kWaitMs;
  };
  static constexpr size_t kLeastBytes = 128;  // room for the longest record without a persistence engine's data

  // `port` is below options.ports; the message holds until send() returns.
  using Send = std::function<void(size_t port, std::span<const uint8_t> message, size_t records)>;

  SyncSender(const Options& options, Send send);

  // Returns false for a record that no message of this version and size can hold.
  bool add(const SyncRecord& record, SyncVersion version, uint64_t nowMs);
  // Sends what has waited long enough.
  void flush(uint64_t nowMs);
  // Sends all that there is.
  void flushAll();
  // Returns how long until flush() may have something to do; nullopt: nothing waits.
  std::optional<uint64_t> waitMs(uint64_t nowMs) const;

 private:
  struct Port {
    std::unique_ptr<uint8_t[]> room;
    std::unique_ptr<SyncWriter> writer;
    SyncVersion version = SyncVersion::v1;
    size_t records = 0;
    uint64_t since = 0;  // when the first record came
  };
  void open(Port& port, SyncVersion version);
  void send(Port& port);

  Options options_;
  Send send_;
  std::vector<Port> ports_;
};

}  // namespace tunvs
