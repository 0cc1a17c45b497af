#include "realserver/inner_writer.h"

#include <cerrno>

#include "io/os/unique_fd.h"
#include "packet/vnet_header.h"

namespace tunvs {
namespace {

iovec partOf(std::span<const uint8_t> bytes) { return {const_cast<uint8_t*>(bytes.data()), bytes.size()}; }

}  // namespace

void InnerWriter::add(std::span<const uint8_t> packet) {
  if (!merges_) return writeAlone(packet);
  if (merger_.isFull()) flush();
  merger_.add(packet);
  waitingBytes_ += packet.size();
}

void InnerWriter::flush() {
  for (size_t unit = 0; unit < merger_.unitCount(); unit++) writeUnit(unit);
  merger_.clear();
  waitingBytes_ = 0;
}

void InnerWriter::writeUnit(size_t unit) {
  const size_t packets = merger_.packetsOf(unit);
  if (packets == 1 || !merges_)
    return merger_.forEachPacket(unit, [&](std::span<const uint8_t> packet) { writeAlone(packet); });
  if (write(merger_.merged(unit))) {
    size_t bytes = 0;
    merger_.forEachPacket(unit, [&](std::span<const uint8_t> packet) { bytes += packet.size(); });
    bytes_.add(bytes);
    merged_.add(packets);
    superPackets_.add(1);
  } else if (errno == EINVAL) {
    mergesRefused_.add(1);
    merges_ = false;
    writeUnit(unit);
  } else {
    countFailure(packets, errno);
  }
}

void InnerWriter::writeAlone(std::span<const uint8_t> packet) {
  if (write({.offload = {}, .parts = {&packet, 1}, .bytes = packet.size()})) {
    bytes_.add(packet.size());
  } else {
    countFailure(1, errno);
  }
}

// EBADFD means that somebody has deleted the device. If it is only down (EIO), the next packet may get through.
void InnerWriter::countFailure(size_t packets, int error) {
  failed_.add(packets);
  if (error == EBADFD) isDeviceGone_ = true;
}

bool InnerWriter::write(const TcpMerger::Merged& merged) {
  std::array<uint8_t, kVnetHeaderBytes + TcpMerger::kMostHeaderBytes> front;
  size_t count = 0;
  if (hasVnetHeader_) {
    // The virtio header is made of the packet's own headers, which are the first part when there is something to say.
    if (!merged.offload.isNone())
      std::memcpy(front.data() + kVnetHeaderBytes, merged.parts[0].data(), merged.parts[0].size());
    writeVnetHeader(front.data() + kVnetHeaderBytes, merged.offload);
    parts_[count++] = {front.data(), kVnetHeaderBytes};
  }
  for (const std::span<const uint8_t> part : merged.parts) parts_[count++] = partOf(part);
  return retryOnInterrupt([&] { return write_(descriptor_, parts_.data(), static_cast<int>(count)); }) >= 0;
}

InnerWriter::Counts InnerWriter::counts() const {
  return {.failed = failed_.read(),
          .bytes = bytes_.read(),
          .merged = merged_.read(),
          .superPackets = superPackets_.read(),
          .mergesRefused = mergesRefused_.read()};
}

}  // namespace tunvs
