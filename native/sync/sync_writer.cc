#include "sync/sync_writer.h"

#include <algorithm>
#include <cassert>

#include "sync/sync_layout.h"

namespace tunvs {
namespace {

using namespace sync_layout;

constexpr size_t syncHeaderBytes(SyncVersion version) {
  return version == SyncVersion::v1 ? kHeaderBytesV1 : kHeaderBytesV0;
}

constexpr size_t syncOptionBytes(size_t data) { return data == 0 ? 0 : option::kHeaderBytes + data; }

// Returns how long a record is without padding; 0 when this version does not hold it.
size_t syncRecordBytes(const SyncRecord& record, SyncVersion version) {
  if (record.virtualAddress.family != record.family() || record.server.family != record.family()) return 0;
  if (version == SyncVersion::v0) {
    if (record.family() != Family::ipv4 || !record.engineData.empty()) return 0;
    return v0::kFixedBytes + ((record.flags & kSyncSequences) != 0 ? kSequenceBytes : 0);
  }
  if (record.engineName.size() > kMaxSyncEngineNameBytes || record.engineData.size() > kMaxSyncEngineDataBytes)
    return 0;
  if (!record.engineData.empty() && record.engineName.empty()) return 0;
  return v1::fixedBytes(record.family()) + syncOptionBytes(record.sequences ? kSequenceBytes : 0) +
         syncOptionBytes(record.engineData.size()) + syncOptionBytes(record.engineName.size());
}

void writeSyncAddresses(uint8_t* at, const SyncRecord& record) {
  for (const IpAddress* address : {&record.client, &record.virtualAddress, &record.server}) {
    at = std::copy_n(address->bytes.data(), addressBytes(record.family()), at);
  }
}

template <typename Store>
void writeSyncSequences(uint8_t* at, const SyncSequencePair& pair, Store store) {
  for (const SyncSequence* one : {&pair.input, &pair.output}) {
    for (const uint32_t number : {one->initial, one->delta, one->previousDelta}) {
      store(at, number);
      at += sizeof number;
    }
  }
}

uint8_t* beginSyncOption(uint8_t* at, uint8_t type, size_t bytes) {
  at[0] = type;
  at[1] = static_cast<uint8_t>(bytes);
  return at + option::kHeaderBytes;
}

uint8_t* writeSyncText(uint8_t* at, uint8_t type, std::string_view text) {
  if (text.empty()) return at;
  return std::copy(text.begin(), text.end(), beginSyncOption(at, type, text.size()));
}

void writeSyncRecordV1(uint8_t* at, const SyncRecord& record, size_t bytes) {
  at[v1::kType] = record.family() == Family::ipv6 ? v1::kIpv6Type : v1::kIpv4Type;
  at[v1::kProtocol] = record.protocol;
  storeBe16(at + v1::kVersionAndSize, static_cast<uint16_t>(bytes));
  storeBe32(at + v1::kFlags, record.flags);
  storeBe16(at + v1::kState, record.state);
  storeBe16(at + v1::kClientPort, record.clientPort);
  storeBe16(at + v1::kVirtualPort, record.virtualPort);
  storeBe16(at + v1::kServerPort, record.serverPort);
  storeBe32(at + v1::kMark, record.mark);
  storeBe32(at + v1::kTimeout, record.timeoutSeconds);
  writeSyncAddresses(at + v1::kAddresses, record);
  uint8_t* end = at + v1::fixedBytes(record.family());
  if (record.sequences) {
    end = beginSyncOption(end, option::kSequences, kSequenceBytes);
    writeSyncSequences(end, *record.sequences, storeBe32);
    end += kSequenceBytes;
  }
  end = writeSyncText(end, option::kEngineData, record.engineData);
  end = writeSyncText(end, option::kEngineName, record.engineName);
  assert(end == at + bytes);
  std::fill(end, at + padded(bytes), uint8_t{0});
}

void writeSyncRecordV0(uint8_t* at, const SyncRecord& record) {
  at[v0::kReserved] = 0;
  at[v0::kProtocol] = record.protocol;
  storeBe16(at + v0::kClientPort, record.clientPort);
  storeBe16(at + v0::kVirtualPort, record.virtualPort);
  storeBe16(at + v0::kServerPort, record.serverPort);
  writeSyncAddresses(at + v0::kAddresses, record);
  storeBe16(at + v0::kFlags, static_cast<uint16_t>(record.flags));
  storeBe16(at + v0::kState, record.state);
  if ((record.flags & kSyncSequences) == 0) return;
  writeSyncSequences(at + v0::kFixedBytes, record.sequences.value_or(SyncSequencePair()),
                     [](uint8_t* to, uint32_t number) { std::memcpy(to, &number, sizeof number); });
}

}  // namespace

SyncWriter::SyncWriter(std::span<uint8_t> room, SyncVersion version, uint8_t syncid)
    : room_(room.first(std::min(room.size(), kMaxMessageBytes))), version_(version), syncid_(syncid) {
  assert(room.size() >= kHeaderBytesV1);
  start();
}

void SyncWriter::start() {
  end_ = syncHeaderBytes(version_);
  records_ = 0;
  std::fill_n(room_.begin(), end_, uint8_t{0});
  room_[kSyncid] = syncid_;
  if (version_ == SyncVersion::v1) room_[kVersion] = kVersion1;
}

SyncAdded SyncWriter::add(const SyncRecord& record) {
  const size_t bytes = syncRecordBytes(record, version_), taken = padded(bytes);
  if (bytes == 0 || taken > room_.size() - syncHeaderBytes(version_)) return SyncAdded::never;
  if (records_ == kMaxRecords || taken > room_.size() - end_) return SyncAdded::full;
  uint8_t* const at = &room_[end_];
  if (version_ == SyncVersion::v1) {
    writeSyncRecordV1(at, record, bytes);
  } else {
    writeSyncRecordV0(at, record);
  }
  end_ += taken;
  records_++;
  room_[version_ == SyncVersion::v1 ? kRecordsV1 : kRecordsV0] = static_cast<uint8_t>(records_);
  storeBe16(&room_[kSize], static_cast<uint16_t>(end_));
  return SyncAdded::yes;
}

}  // namespace tunvs
