#include "realserver/decapsulator.h"

#include <poll.h>

#include <utility>

namespace tunvs {
namespace {

constexpr size_t kBatch = 32;
constexpr size_t kBufferBytes = 65536;
constexpr int kLookMs = 500;

void bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// The counter of each refusal.
#define TUNVS_REFUSAL(name, kind, sentence) {DecapVerdict::name, &DecapCounters::name},
constexpr std::pair<DecapVerdict, uint64_t DecapCounters::*> kRefusals[] = {TUNVS_DECAP_REFUSALS(TUNVS_REFUSAL)};
#undef TUNVS_REFUSAL

}  // namespace

// The receive buffers of one batch, with the message headers that point to them.
struct Decapsulator::Buffers {
  std::unique_ptr<uint8_t[]> bytes = std::make_unique<uint8_t[]>(kBatch * kBufferBytes);
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<TunnelSourceAddress, kBatch> sources{};
  struct alignas(cmsghdr) Control {
    uint8_t bytes[kTunnelControlBytes];
  };
  std::array<Control, kBatch> controls{};

  Buffers() {
    for (size_t i = 0; i < kBatch; i++) parts[i] = {&bytes[i * kBufferBytes], kBufferBytes};
  }
  // Resets the lengths in the headers: the kernel overwrites them with those that it used.
  void prepare() {
    for (size_t i = 0; i < kBatch; i++) {
      messages[i].msg_hdr = {.msg_name = &sources[i],
                             .msg_namelen = sizeof sources[i],
                             .msg_iov = &parts[i],
                             .msg_iovlen = 1,
                             .msg_control = &controls[i],
                             .msg_controllen = sizeof controls[i],
                             .msg_flags = 0};
    }
  }
  std::span<uint8_t> packet(size_t i) { return {&bytes[i * kBufferBytes], messages[i].msg_len}; }
};

Result<std::unique_ptr<Decapsulator>> Decapsulator::start(const DecapsulatorOptions& options) {
  auto rules = DecapRules::make(options.directors, options.virtualAddresses);
  if (!rules) return rules.error();
  auto sockets = openTunnelSockets(options.encapsulations, options.guePorts, rules.value());
  if (!sockets) return sockets.error();
  auto tun = TunDevice::open({.name = options.device, .queues = 1});
  if (!tun) return tun.error();
  auto loop = LoopThread::make("can't start the decapsulator");
  if (!loop) return loop.error();
  std::unique_ptr<Decapsulator> made(new Decapsulator(std::move(rules).value(), std::move(tun).value(),
                                                      std::move(sockets).value(), std::move(loop).value()));
  if (auto started = made->loop_->start("tunvs/decap", [own = made.get()] { own->run(); }); !started)
    return started.error();
  return made;
}

Decapsulator::Decapsulator(DecapRules rules, std::unique_ptr<TunDevice> tun, std::vector<TunnelSocket> sockets,
                           std::unique_ptr<LoopThread> loop)
    : rules_(std::move(rules)), tun_(std::move(tun)), sockets_(std::move(sockets)), loop_(std::move(loop)) {}

Decapsulator::~Decapsulator() = default;

void Decapsulator::run() {
  Buffers buffers;
  std::vector<pollfd> waits;
  for (const TunnelSocket& socket : sockets_) waits.push_back({socket.fd.get(), POLLIN, 0});
  waits.push_back({tun_->descriptor(0), 0, 0});  // reports an error once somebody has deleted the device
  waits.push_back({loop_->descriptor(), POLLIN, 0});
  while (true) {
    // The end of a device wakes nobody, so it is checked now and then.
    if (::poll(waits.data(), waits.size(), kLookMs) < 0) {
      if (errno == EINTR) continue;
      failureErrno_.store(errno, std::memory_order_relaxed);
      return;
    }
    if (waits.back().revents != 0) return;
    if (waits[sockets_.size()].revents != 0) return failureErrno_.store(EBADFD, std::memory_order_relaxed);
    for (size_t i = 0; i < sockets_.size(); i++) {
      if (waits[i].revents != 0 && !receiveAll(sockets_[i], buffers)) return;
    }
  }
}

bool Decapsulator::receiveAll(const TunnelSocket& socket, Buffers& buffers) {
  // The rounds are bounded, so that the other sockets have their turn and stop is noticed under any load.
  for (int round = 0; round < 16; round++) {
    buffers.prepare();
    const int count = retryOnInterrupt(
        [&] { return ::recvmmsg(socket.fd.get(), buffers.messages.data(), kBatch, MSG_DONTWAIT, nullptr); });
    if (count < 0) {
      if (errno == EAGAIN) return true;
      failureErrno_.store(errno, std::memory_order_relaxed);
      return false;
    }
    for (size_t i = 0; i < static_cast<size_t>(count); i++) {
      if (!deliver(socket.decapsulate(buffers.messages[i].msg_hdr, buffers.packet(i), rules_))) return false;
    }
    if (static_cast<size_t>(count) < kBatch) return true;
  }
  return true;
}

bool Decapsulator::deliver(const Decapsulated& result) {
  bump(verdicts_[static_cast<size_t>(result.verdict)]);
  if (result.verdict != DecapVerdict::accepted) return true;
  const ssize_t written =
      retryOnInterrupt([&] { return ::write(tun_->descriptor(0), result.inner.data(), result.inner.size()); });
  if (written < 0) {
    bump(writeFailed_);
    // EBADFD means that somebody has deleted the device. If it is only down (EIO), the next packet may get through.
    if (errno == EBADFD) {
      failureErrno_.store(EBADFD, std::memory_order_relaxed);
      return false;
    }
  } else {
    bump(deliveredBytes_, result.inner.size());
  }
  return true;
}

DecapCounters Decapsulator::counters() const {
  const auto of = [this](DecapVerdict verdict) {
    return verdicts_[static_cast<size_t>(verdict)].load(std::memory_order_relaxed);
  };
  DecapCounters counters;
  // In this order, the difference of the two can't be negative, whatever the thread does meanwhile.
  counters.writeFailed = writeFailed_.load(std::memory_order_relaxed);
  const uint64_t accepted = of(DecapVerdict::accepted);
  counters.delivered = accepted - std::min(accepted, counters.writeFailed);
  counters.deliveredBytes = deliveredBytes_.load(std::memory_order_relaxed);
  counters.received = accepted;
  for (const auto& [verdict, field] : kRefusals) {
    counters.*field = of(verdict);
    counters.received += counters.*field;
  }
  for (const TunnelSocket& socket : sockets_) counters.socketFull += socket.dropped();
  return counters;
}

std::string Decapsulator::failure() const {
  const int error = failureErrno_.load(std::memory_order_relaxed);
  if (error == EBADFD) return "the device " + tun_->name() + " is gone: somebody has deleted it";
  return error == 0 ? "" : std::string("receiving tunnel packets failed: ") + std::strerror(error);
}

}  // namespace tunvs
