// Two directors of a test, of which one tells the other of its connections, and records as a test makes them.
//
// Thread safety: none.
#pragma once

#include <string>
#include <vector>

#include "support/nat_director.h"
#include "support/sync_messages.h"
#include "support/test_director.h"
#include "sync/sync_sender.h"

namespace tunvs::testing {

// Returns the record of an established connection from 198.51.100.7 to TestDirector::kWeb, and from there to 10.0.0.n.
inline SyncRecord webRecord(uint16_t clientPort, uint8_t server, uint16_t serverPort = 80) {
  SyncRecord record;
  record.client = NatDirector::kClient;
  record.virtualAddress = TestDirector::kWeb.address;
  record.server = IpAddress::v4(10, 0, 0, server);
  record.clientPort = clientPort;
  record.virtualPort = 80;
  record.serverPort = serverPort;
  record.protocol = kTcpProtocol;
  record.state = static_cast<uint16_t>(TcpState::established);
  record.flags = static_cast<uint32_t>(SyncMethod::tunnel) | kSyncNoOutput;
  record.timeoutSeconds = 900;
  return record;
}

// Gives a record to a backup. Returns what became of it.
inline std::string taken(TestDirector& backup, const SyncRecord& record) {
  std::string outcome;
  backup.director.takeSyncRecords(backup.now, [&](auto&& take) { outcome = toString(take(record)); });
  return outcome;
}

// Gives a backup all that a master has noted, by messages. Returns the number of records.
inline size_t tell(TestDirector& master, TestDirector& backup) {
  size_t records = 0;
  SyncSender sender({.syncid = 1}, [&](size_t, std::span<const uint8_t> message, size_t) {
    const Exact exact(bytesOf(message));
    backup.director.takeSyncRecords(backup.now, [&](auto&& take) {
      readSyncMessage(
          exact.span(), 1,
          [&](const SyncRecord& record) {
            take(record);
            records++;
          },
          [](SyncRefusal) { std::abort(); });
    });
  });
  master.director.takeSyncNotes(SIZE_MAX,
                                [&](const SyncRecord& record, SyncVersion version) { sender.add(record, version, 0); });
  sender.flushAll();
  return records;
}

}  // namespace tunvs::testing
