#include "sync/sync_reader.h"

#include <cassert>

#include "sync/sync_layout.h"
#include "sync/sync_state.h"

namespace tunvs {
namespace {

using namespace sync_layout;
using Refusal = std::optional<SyncRefusal>;

IpAddress syncAddressAt(Family family, const uint8_t* at) {
  return family == Family::ipv4 ? IpAddress::v4(Be32{loadUnaligned<uint32_t>(at)}) : IpAddress::v6(at);
}

void readSyncAddresses(Family family, const uint8_t* at, SyncRecord& record) {
  const size_t bytes = addressBytes(family);
  record.client = syncAddressAt(family, at);
  record.virtualAddress = syncAddressAt(family, at + bytes);
  record.server = syncAddressAt(family, at + 2 * bytes);
}

template <typename Load>
SyncSequencePair readSyncSequences(const uint8_t* at, Load load) {
  const auto one = [&](size_t from) { return SyncSequence{load(at + from), load(at + from + 4), load(at + from + 8)}; };
  return {one(0), one(kSequenceBytes / 2)};
}

// An option of no data is refused before it gets here, so text that is not empty has been there.
Refusal readSyncText(std::span<const uint8_t> data, size_t maxBytes, std::string_view& text) {
  if (!text.empty()) return SyncRefusal::optionRepeated;
  if (data.size() > maxBytes) return SyncRefusal::optionLength;
  text = {reinterpret_cast<const char*>(data.data()), data.size()};
  return std::nullopt;
}

Refusal readSyncOption(uint8_t type, std::span<const uint8_t> data, SyncRecord& record) {
  switch (type & ~option::kMayBeSkipped) {
    case option::kSequences:
      if (record.sequences) return SyncRefusal::optionRepeated;
      if (data.size() != kSequenceBytes) return SyncRefusal::optionLength;
      record.sequences = readSyncSequences(data.data(), [](const uint8_t* at) { return loadBe32(at); });
      return std::nullopt;
    case option::kEngineData: return readSyncText(data, kMaxSyncEngineDataBytes, record.engineData);
    case option::kEngineName: return readSyncText(data, kMaxSyncEngineNameBytes, record.engineName);
    default:
      if ((type & option::kMayBeSkipped) != 0) return std::nullopt;
      return SyncRefusal::optionUnknown;
  }
}

Refusal readSyncOptions(std::span<const uint8_t> options, SyncRecord& record) {
  while (!options.empty()) {
    if (options.size() < option::kHeaderBytes) return SyncRefusal::optionCut;
    const uint8_t type = options[0], length = options[1];
    options = options.subspan(option::kHeaderBytes);
    if (length == 0) return SyncRefusal::optionEmpty;
    if (length > options.size()) return SyncRefusal::optionCut;
    if (const Refusal refusal = readSyncOption(type, options.first(length), record)) return refusal;
    options = options.subspan(length);
  }
  return std::nullopt;
}

// Says what is wrong with a record whose form is right.
Refusal judgeSyncRecord(const SyncRecord& record) {
  if ((record.flags & kSyncOnePacket) != 0) return SyncRefusal::onePacket;
  if (!record.isTemplate() && syncStatesOf(record.protocol) == 0) return SyncRefusal::protocolUnknown;
  const uint16_t states = record.isTemplate() ? kSyncTemplateStates : syncStatesOf(record.protocol);
  if (record.state >= states) return SyncRefusal::stateUnknown;
  if (!record.engineData.empty() && record.engineName.empty()) return SyncRefusal::engineUnnamed;
  return std::nullopt;
}

// `rest` is what there is of the message from the record on. Sets `bytes` to where the next record begins.
Refusal readSyncRecordV1(std::span<const uint8_t> rest, SyncRecord& record, size_t& bytes) {
  if (rest.size() < v1::fixedBytes(Family::ipv4)) return SyncRefusal::recordCut;
  const uint16_t versionAndSize = loadBe16(&rest[v1::kVersionAndSize]);
  const size_t size = versionAndSize & v1::kSizeMask;
  if (size > rest.size()) return SyncRefusal::recordTooLong;
  if (versionAndSize >> v1::kVersionShift != 0) return SyncRefusal::recordVersion;
  const uint8_t type = rest[v1::kType];
  if (type != v1::kIpv4Type && type != v1::kIpv6Type) return SyncRefusal::recordType;
  const Family family = type == v1::kIpv6Type ? Family::ipv6 : Family::ipv4;
  if (size < v1::fixedBytes(family)) return SyncRefusal::recordTooShort;
  bytes = padded(size);

  record.protocol = rest[v1::kProtocol];
  record.flags = loadBe32(&rest[v1::kFlags]);
  record.state = loadBe16(&rest[v1::kState]);
  record.clientPort = loadBe16(&rest[v1::kClientPort]);
  record.virtualPort = loadBe16(&rest[v1::kVirtualPort]);
  record.serverPort = loadBe16(&rest[v1::kServerPort]);
  record.mark = loadBe32(&rest[v1::kMark]);
  record.timeoutSeconds = loadBe32(&rest[v1::kTimeout]);
  readSyncAddresses(family, &rest[v1::kAddresses], record);
  return readSyncOptions(rest.first(size).subspan(v1::fixedBytes(family)), record);
}

Refusal readSyncRecordV0(std::span<const uint8_t> rest, SyncRecord& record, size_t& bytes) {
  if (rest.size() < v0::kFixedBytes) return SyncRefusal::recordCut;
  record.flags = loadBe16(&rest[v0::kFlags]);
  bytes = v0::kFixedBytes;
  if ((record.flags & kSyncSequences) != 0) {
    bytes += kSequenceBytes;
    if (rest.size() < bytes) return SyncRefusal::sequencesCut;
    record.sequences = readSyncSequences(&rest[v0::kFixedBytes], loadUnaligned<uint32_t>);
  }
  record.protocol = rest[v0::kProtocol];
  record.state = loadBe16(&rest[v0::kState]);
  record.clientPort = loadBe16(&rest[v0::kClientPort]);
  record.virtualPort = loadBe16(&rest[v0::kVirtualPort]);
  record.serverPort = loadBe16(&rest[v0::kServerPort]);
  readSyncAddresses(Family::ipv4, &rest[v0::kAddresses], record);
  return std::nullopt;
}

}  // namespace

std::optional<SyncRefusal> openSyncMessage(std::span<const uint8_t> datagram, uint8_t syncid, SyncCursor& cursor) {
  if (datagram.size() < kHeaderBytesV0) return SyncRefusal::headerCut;
  if (loadBe16(&datagram[kSize]) != datagram.size()) return SyncRefusal::sizeWrong;
  if (syncid != 0 && datagram[kSyncid] != syncid) return SyncRefusal::syncidOther;
  if (datagram[kRecordsV0] != 0) {
    cursor = {SyncVersion::v0, kHeaderBytesV0, datagram[kRecordsV0]};
    return std::nullopt;
  }
  if (datagram.size() < kHeaderBytesV1) return SyncRefusal::headerCut;
  if (datagram[kVersion] != kVersion1 || loadBe16(&datagram[kSpare]) != 0) return SyncRefusal::versionUnknown;
  cursor = {SyncVersion::v1, kHeaderBytesV1, datagram[kRecordsV1]};
  return std::nullopt;
}

std::optional<SyncRefusal> readSyncRecord(std::span<const uint8_t> datagram, SyncCursor& cursor, SyncRecord& record) {
  assert(cursor.left > 0);
  cursor.left--;
  record = {};
  const auto rest = cursor.at < datagram.size() ? datagram.subspan(cursor.at) : std::span<const uint8_t>();
  size_t bytes = 0;
  Refusal refusal =
      cursor.version == SyncVersion::v1 ? readSyncRecordV1(rest, record, bytes) : readSyncRecordV0(rest, record, bytes);
  if (!refusal) refusal = judgeSyncRecord(record);
  if (refusal && infoOf(*refusal).loss == SyncLoss::rest) cursor.left = 0;
  cursor.at += bytes;
  return refusal;
}

}  // namespace tunvs
