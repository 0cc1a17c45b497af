// An InnerWriter hands inner packets to the host's stack by a TUN device, and TCP segments that follow one another as
// one packet, which costs the stack little more than one segment (packet/tcp_merger.h). It never waits for more: what
// was added is written by the next flush.
//
// When the kernel refuses a merged packet, its segments are written one by one, and nothing is merged any more.
//
// Thread safety: one thread adds and flushes; any thread may call counts().
// Invariants:
//  1. Packets of one flow are written in the order in which they were added.
//  2. Each added packet is counted as written or failed once it was flushed.
#pragma once

#include <sys/uio.h>

#include <array>
#include <span>

#include "core/counter.h"
#include "packet/tcp_merger.h"

namespace tunvs {

class InnerWriter {
 public:
  // It does what writev(2) does; a test may have a stand-in.
  using Write = ssize_t (*)(int fd, const iovec* parts, int count);

  struct Counts {
    uint64_t failed = 0;         // packets that the device did not take
    uint64_t bytes = 0;          // of the packets that it took; merged ones count as what they were merged from
    uint64_t merged = 0;         // packets that it took within a merged one
    uint64_t superPackets = 0;   // merged ones that it took
    uint64_t mergesRefused = 0;  // merged ones that it refused
  };

  // `descriptor` is a queue of the device, which outlives this object. Packets are merged only when the device has a
  // virtio header.
  InnerWriter(int descriptor, bool hasVnetHeader, Write write = ::writev)
      : descriptor_(descriptor), hasVnetHeader_(hasVnetHeader), merges_(hasVnetHeader), write_(write) {}

  // Takes a packet, which must stay as it is until the next flush.
  void add(std::span<const uint8_t> packet);
  // Writes what was added.
  void flush();
  // Returns how many bytes wait for the next flush.
  size_t waitingBytes() const { return waitingBytes_; }
  // Tells whether somebody has deleted the device.
  bool isDeviceGone() const { return isDeviceGone_; }
  Counts counts() const;

 private:
  bool write(const TcpMerger::Merged& merged);
  void writeUnit(size_t unit);
  void writeAlone(std::span<const uint8_t> packet);
  void countFailure(size_t packets, int error);

  const int descriptor_;
  const bool hasVnetHeader_;
  bool merges_;
  bool isDeviceGone_ = false;
  const Write write_;
  size_t waitingBytes_ = 0;
  TcpMerger merger_;
  std::array<iovec, TcpMerger::kMostMerged + 2> parts_;
  Counter failed_, bytes_, merged_, superPackets_, mergesRefused_;
};

}  // namespace tunvs
