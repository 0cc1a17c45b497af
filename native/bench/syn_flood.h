// Makes new connections without end, in memory: the port gives a SYN of another flow each time, and never has more than
// a window of them under way, as clients do that wait for an answer.
//
// Thread safety: the queue belongs to one worker; any thread may read elapsedNs() and sent().
#pragma once

#include <atomic>

#include "bench/bench_packet.h"
#include "io/os/unique_fd.h"
#include "io/port/port.h"

namespace tunvs::bench {

struct SynFloodOptions {
  IpAddress virtualAddress;  // IPv4
  uint16_t port = 80;
  uint32_t connections = 1;  // [1, 2^26]
  uint32_t window = 1;       // connections under way at most
};

class SynFlood final : public Port, private PortQueue {
 public:
  static Result<std::unique_ptr<SynFlood>> make(const SynFloodOptions& options);

  uint64_t sent() const { return sent_.load(std::memory_order_relaxed); }
  // The time from the first packet until all had been sent; 0 before that.
  uint64_t elapsedNs() const { return elapsedNs_.load(std::memory_order_acquire); }

  const std::string& name() const override { return name_; }
  std::string_view egress() const override { return "syn flood"; }
  size_t queueCount() const override { return 1; }
  PortQueue& queue(size_t) override { return *this; }
  size_t maxPacketBytes() const override { return kBytes; }

 private:
  static constexpr uint32_t kBytes = 64;
  SynFlood(const SynFloodOptions& options, UniqueFd room);

  Result<size_t> receive(PacketVector& vector) override;
  // Counts the packets and makes room in the window.
  SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) override;
  int pollDescriptor() const override { return room_.get(); }

  std::string name_ = "syn flood";
  SynFloodOptions options_;
  PacketTemplate packet_;
  UniqueFd room_;        // readable when the window has room again
  bool isFull_ = false;  // as the worker last found it
  std::atomic<uint64_t> sent_{0};
  uint64_t given_ = 0;
  uint64_t beginNs_ = 0;
  std::atomic<uint64_t> elapsedNs_{0};
};

}  // namespace tunvs::bench
