#include "packet/tcp_merger.h"

#include "packet/checksum.h"
#include "packet/packet_vector.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

constexpr size_t kLeastSegmentBytes = 8;  // Linux cuts nothing smaller (TCP_MIN_GSO_SIZE)

bool endsMerge(const TcpSegment& segment) { return (segment.flags() & (kTcpPush | kTcpFin)) != 0; }

// The first of several says how long the others are.
bool canBeFirst(const TcpSegment& segment) {
  constexpr uint8_t kMayHave = kTcpEcnEcho | kTcpWindowReduced;
  return (segment.flags() & ~kMayHave) == kTcpAck && segment.payloadBytes() >= kLeastSegmentBytes &&
         segment.hasPlainChecksums();
}

bool hasIdBehind(const TcpSegment& segment, const TcpSegment& first, size_t count) {
  if (!segment.isV4() || (loadBe16(segment.data + 6) & kIpv4DontFragment) != 0) return true;
  return loadBe16(segment.data + 4) == static_cast<uint16_t>(loadBe16(first.data + 4) + count);
}

}  // namespace

void TcpMerger::clear() {
  packetCount_ = unitCount_ = nextFlow_ = 0;
  open_ = noUnits();
}

void TcpMerger::add(std::span<const uint8_t> packet) {
  assert(!isFull());
  TcpSegment segment;
  const TcpView view = viewTcpSegment(packet, segment);
  if (view != TcpView::plain) {
    // Nothing may overtake a packet that is perhaps of its flow.
    if (view == TcpView::maybe) open_ = noUnits();
    append(packet);
    return;
  }
  uint16_t* const found = openUnitOf(segment);
  if (found != nullptr && joins(units_[*found], segment)) {
    Unit& unit = units_[*found];
    const auto at = static_cast<uint16_t>(packetCount_++);
    packets_[at] = {packet, kNone};
    packets_[unit.last].next = at;
    unit.last = at;
    unit.count++;
    unit.bytes += static_cast<uint32_t>(segment.payloadBytes());
    if (endsMerge(segment) || segment.payloadBytes() < unit.segment.payloadBytes()) *found = kNone;
    return;
  }
  if (found != nullptr) *found = kNone;
  const uint16_t unit = append(packet);
  if (canBeFirst(segment)) open(unit, segment);
}

uint16_t* TcpMerger::openUnitOf(const TcpSegment& segment) {
  for (uint16_t& unit : open_)
    if (unit != kNone && units_[unit].segment.isOfFlow(segment)) return &unit;
  return nullptr;
}

// The checksums come last, as they cost the most; the first packet's is looked at once another wants to join it.
bool TcpMerger::joins(Unit& unit, const TcpSegment& segment) const {
  const TcpSegment& first = unit.segment;
  const size_t payload = segment.payloadBytes();
  if (payload == 0 || payload > first.payloadBytes()) return false;
  if (unit.count == kMostMerged || unit.bytes + payload > kMaxPacketBytes) return false;
  const size_t before = unit.bytes - first.headerBytes;
  if (segment.sequence() != static_cast<uint32_t>(first.sequence() + before)) return false;
  if ((segment.flags() & kTcpWindowReduced) != 0 || !segment.hasHeadersOf(first)) return false;
  if (!hasIdBehind(segment, first, unit.count) || !segment.hasPlainChecksums()) return false;
  if (!unit.isVerified) unit.isVerified = first.isTcpChecksumRight();
  return unit.isVerified && segment.isTcpChecksumRight();
}

uint16_t TcpMerger::append(std::span<const uint8_t> packet) {
  const auto at = static_cast<uint16_t>(packetCount_++);
  packets_[at] = {packet, kNone};
  const auto unit = static_cast<uint16_t>(unitCount_++);
  units_[unit] = {at, at, 1, false, static_cast<uint32_t>(packet.size()), {}};
  return unit;
}

void TcpMerger::open(uint16_t unit, const TcpSegment& segment) {
  units_[unit].segment = segment;
  for (uint16_t& free : open_) {
    if (free != kNone) continue;
    free = unit;
    return;
  }
  open_[nextFlow_++ % kMostFlows] = unit;
}

TcpMerger::Merged TcpMerger::merged(size_t index) {
  assert(index < unitCount_);
  const Unit& unit = units_[index];
  if (unit.count == 1) {
    parts_[0] = packets_[unit.first].bytes;
    return {Offload(), std::span(parts_).first(1), unit.bytes};
  }
  const TcpSegment& first = unit.segment;
  size_t parts = 0;
  parts_[parts++] = std::span(header_).first(first.headerBytes);
  forEachPacket(index, [&](std::span<const uint8_t> packet) { parts_[parts++] = packet.subspan(first.headerBytes); });

  uint8_t* const ip = header_.data();
  std::memcpy(ip, first.data, first.headerBytes);
  if (first.isV4()) {
    storeBe16(ip + 2, static_cast<uint16_t>(unit.bytes));
    std::memset(ip + 10, 0, 2);
    const Be16 check{static_cast<uint16_t>(~checksumFold(checksumAdd20(ip)))};
    std::memcpy(ip + 10, &check.raw, sizeof check.raw);
  } else {
    storeBe16(ip + 4, static_cast<uint16_t>(unit.bytes - kIpv6HeaderBytes));
  }
  uint8_t* const tcp = ip + first.transport;
  tcp[13] |= packets_[unit.last].bytes[first.transport + size_t{13}] & (kTcpPush | kTcpFin);
  const uint16_t unfinished = checksumFold(tcpPseudoSum(ip, unit.bytes - first.transport));
  std::memcpy(tcp + 16, &unfinished, sizeof unfinished);
  const Offload offload{.segmentBytes = static_cast<uint16_t>(first.payloadBytes()),
                        .checksumStart = first.transport,
                        .kind = first.isV4() ? OffloadKind::tcp4 : OffloadKind::tcp6};
  return {offload, std::span(parts_).first(parts), unit.bytes};
}

}  // namespace tunvs
