// A MemoryEgress sends nowhere: it keeps or counts what it was given.
//
// Thread safety: one thread calls send(); any thread calls the rest.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "io/port/egress.h"

namespace tunvs {

class MemoryEgress final : public Egress {
 public:
  struct Sent {
    std::vector<uint8_t> bytes;
    IpAddress nextHop;
  };
  enum class Mode : uint8_t { keep, count };

  explicit MemoryEgress(Mode mode = Mode::keep) : mode_(mode) {}

  std::string_view name() const override { return "memory"; }
  SendResult send(std::span<const OutputPacket> packets) override;
  SendResult sendAnswers(std::span<const OutputPacket> packets) override {
    answers_.fetch_add(packets.size(), std::memory_order_relaxed);
    return send(packets);
  }

  // Returns what was sent since the last call, in order; nothing in Mode::count.
  std::vector<Sent> take();
  uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }
  // Counts those of packets() that came as answers.
  uint64_t answers() const { return answers_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Makes it refuse the next `count` packets as `noBuffer`.
  void refuse(size_t count) { refusals_.store(count, std::memory_order_relaxed); }

 private:
  const Mode mode_;
  std::atomic<uint64_t> packets_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> answers_{0};
  std::atomic<size_t> refusals_{0};
  std::mutex lock_;
  std::vector<Sent> kept_;
};

}  // namespace tunvs
