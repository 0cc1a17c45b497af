// Says where the fields of messages and records stand. Numbers are in network order, but version 0's sequence data is
// in the sender's byte order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/inet.h"

namespace tunvs::sync_layout {

// A message's first byte tells the versions apart: in version 0 it is the number of records, in version 1 it is 0.
inline constexpr size_t kHeaderBytesV0 = 4, kHeaderBytesV1 = 8;
inline constexpr size_t kRecordsV0 = 0, kSyncid = 1, kSize = 2, kRecordsV1 = 4, kVersion = 5, kSpare = 6;
inline constexpr uint8_t kVersion1 = 1;
inline constexpr size_t kMaxRecords = 255, kMaxMessageBytes = 65535;

// A record of version 1 begins at a multiple of four bytes, and ends with its options.
namespace v1 {
inline constexpr size_t kType = 0, kProtocol = 1, kVersionAndSize = 2, kFlags = 4, kState = 8, kClientPort = 10,
                        kVirtualPort = 12, kServerPort = 14, kMark = 16, kTimeout = 20, kAddresses = 24;
inline constexpr uint8_t kIpv4Type = 0, kIpv6Type = 1;
inline constexpr unsigned kVersionShift = 12;
inline constexpr uint16_t kSizeMask = 0x0fff;
constexpr size_t fixedBytes(Family family) { return kAddresses + 3 * addressBytes(family); }
}  // namespace v1

// An option of version 1 is its type, the length of its data, and its data.
namespace option {
inline constexpr size_t kHeaderBytes = 2;
inline constexpr uint8_t kSequences = 1, kEngineData = 2, kEngineName = 3;
inline constexpr uint8_t kMayBeSkipped = 0x40;  // by one who does not know the type
}  // namespace option

inline constexpr size_t kSequenceBytes = 24;  // input, then output: initial, delta, previous delta

// A record of version 0 is followed by its sequence data if its flags say so.
namespace v0 {
inline constexpr size_t kReserved = 0, kProtocol = 1, kClientPort = 2, kVirtualPort = 4, kServerPort = 6,
                        kAddresses = 8, kFlags = 20, kState = 22, kFixedBytes = 24;
}  // namespace v0

constexpr size_t padded(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

}  // namespace tunvs::sync_layout
