// Messages of connection sync as tests take and make them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/golden_cases.h"
#include "support/random.h"
#include "support/raw_bytes.h"
#include "sync/sync_layout.h"
#include "sync/sync_reader.h"
#include "sync/sync_state.h"
#include "sync/sync_writer.h"

namespace tunvs::testing {

// What was taken of a message, and what was refused.
struct SyncReading {
  std::vector<SyncRecord> records;  // their texts point into the message
  std::vector<SyncRefusal> refusals;
};

inline SyncReading readSync(std::span<const uint8_t> message, uint8_t syncid = 0) {
  SyncReading reading;
  readSyncMessage(
      message, syncid, [&](const SyncRecord& record) { reading.records.push_back(record); },
      [&](SyncRefusal refusal) { reading.refusals.push_back(refusal); });
  return reading;
}

// Returns the names of the refusals, a blank between.
inline std::string refusalsOf(std::span<const uint8_t> message, uint8_t syncid = 0) {
  std::string names;
  for (const SyncRefusal refusal : readSync(message, syncid).refusals) {
    names += (names.empty() ? "" : " ") + std::string(toString(refusal));
  }
  return names;
}

inline SyncVersion versionOf(std::span<const uint8_t> message) {
  return message[sync_layout::kRecordsV0] == 0 ? SyncVersion::v1 : SyncVersion::v0;
}

// Puts the records into as few messages as the writer does.
inline std::vector<Bytes> writeSync(std::span<const SyncRecord> records, SyncVersion version, uint8_t syncid,
                                    size_t maxBytes) {
  const Exact room(maxBytes);
  SyncWriter writer(room.span(), version, syncid);
  std::vector<Bytes> messages;
  const auto finish = [&] {
    if (!writer.message().empty()) messages.push_back(bytesOf(writer.message()));
    writer.start();
  };
  for (const SyncRecord& record : records) {
    SyncAdded added = writer.add(record);
    if (added == SyncAdded::full) {
      finish();
      added = writer.add(record);
    }
    if (added != SyncAdded::yes) std::abort();
  }
  finish();
  return messages;
}

// The example of two IPv4 records, one with an engine's data, and an IPv6 one, with syncid 7. A Linux 6.1 backup took
// it as it was meant.
inline Bytes exampleSyncMessage() {
  return fromHex(
      "000700a803010000 0006002400000082 00019c4000500050 0000000000000384 c0000201c633640a0a000002"
      "0011003200001182 0000000013c413c4 000000000000012c c0000201c633640a0a000002 02076140622e636f6d03037369700000"
      "0106004800000182 00049c4101bb01bb 0000000000000078 20010db8000000000000000000000001"
      "20010db8000f00000000000000000010 20010db8000a00000000000000000002");
}

// Holds the text that the random records point to.
inline constexpr std::string_view kSyncText =
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";

// Returns a record that a backup takes. For version 0 it has nothing that this does not hold.
inline SyncRecord anySyncRecord(Random& random, SyncVersion version) {
  SyncRecord record;
  const bool isV1 = version == SyncVersion::v1, isIpv6 = isV1 && random.oneIn(2);
  for (IpAddress* address : {&record.client, &record.virtualAddress, &record.server}) {
    const Bytes bytes = noise(random, 16);
    *address = isIpv6 ? IpAddress::v6(bytes.data()) : IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  for (uint16_t* port : {&record.clientPort, &record.virtualPort, &record.serverPort}) {
    *port = static_cast<uint16_t>(random.next());
  }
  record.flags = static_cast<uint32_t>(random.next()) & (isV1 ? 0xffffffff : 0xffff) & ~kSyncOnePacket;
  constexpr uint8_t kProtocols[] = {6, 17, 132};
  record.protocol = record.isTemplate() ? static_cast<uint8_t>(random.next()) : kProtocols[random.below(3)];
  record.state = static_cast<uint16_t>(random.below(record.isTemplate() ? 2 : syncStatesOf(record.protocol)));
  const auto sequence = [&] {
    return SyncSequence{random.below(~0u), random.below(~0u), static_cast<uint32_t>(random.next())};
  };
  if (isV1 ? random.oneIn(3) : (record.flags & kSyncSequences) != 0) {
    record.sequences = SyncSequencePair{sequence(), sequence()};
  }
  if (!isV1) return record;
  record.mark = static_cast<uint32_t>(random.next());
  record.timeoutSeconds = static_cast<uint32_t>(random.next());
  if (random.oneIn(3)) record.engineName = kSyncText.substr(random.below(100), 1 + random.below(16));
  if (!record.engineName.empty()) record.engineData = kSyncText.substr(0, random.below(256));
  return record;
}

}  // namespace tunvs::testing
