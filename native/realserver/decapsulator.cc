#include "realserver/decapsulator.h"

#include <net/if.h>
#include <poll.h>

#include <utility>

#include "io/os/coarse_clock.h"

namespace tunvs {
namespace {

constexpr size_t kBatch = 32;
constexpr size_t kBufferBytes = 65536;
constexpr int kLookMs = 500;
// Longer batches are written in parts, while the processor's cache still has what was read.
constexpr size_t kMostWaitingBytes = 128 * 1024;

// A kernel that refuses virtio headers has a device without them.
Result<std::unique_ptr<TunDevice>> openTun(const DecapsulatorOptions& options) {
  TunOptions tun{.name = options.device, .queues = 1};
  if (options.usesOffloads) {
    tun.offloads = OffloadChoice::writing();
    if (auto opened = TunDevice::open(tun); opened.ok()) return opened;
    tun.offloads = OffloadChoice::off();
  }
  return TunDevice::open(tun);
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
  auto sockets = openTunnelSockets(options.encapsulations, options.guePorts, rules.value(),
                                   {.mergesDatagrams = options.usesOffloads, .tellsDevices = options.usesProgram});
  if (!sockets) return sockets.error();
  auto tun = openTun(options);
  if (!tun) return tun.error();
  auto loop = LoopThread::make("can't start the decapsulator");
  if (!loop) return loop.error();
  std::unique_ptr<Decapsulator> made(new Decapsulator(std::move(rules).value(), std::move(tun).value(),
                                                      std::move(sockets).value(), std::move(loop).value()));
  if (options.usesProgram) {
    const int device = static_cast<int>(::if_nametoindex(made->tun_->name().c_str()));
    auto path = DecapPath::create(device, made->rules_, /*takesGue=*/!options.guePorts.empty());
    if (!path) return path.error();
    made->path_ = std::move(path).value();
  }
  if (auto started = made->loop_->start("tunvs/decap", [own = made.get()] { own->run(); }); !started)
    return started.error();
  return made;
}

Decapsulator::Decapsulator(DecapRules rules, std::unique_ptr<TunDevice> tun, std::vector<TunnelSocket> sockets,
                           std::unique_ptr<LoopThread> loop)
    : rules_(std::move(rules)),
      tun_(std::move(tun)),
      sockets_(std::move(sockets)),
      writer_(std::make_unique<InnerWriter>(tun_->descriptor(0), tun_->offloads().hasHeader)),
      loop_(std::move(loop)) {}

Decapsulator::~Decapsulator() = default;

void Decapsulator::run() {
  carry();
  if (path_ != nullptr) path_->end();
}

void Decapsulator::carry() {
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
    if (path_ != nullptr) path_->sweep(coarseNowMs());
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
      take(socket, buffers.messages[i].msg_hdr, buffers.packet(i));
      if (writer_->waitingBytes() >= kMostWaitingBytes && !deliver()) return false;
    }
    if (!deliver()) return false;
    if (static_cast<size_t>(count) < kBatch) return true;
  }
  return true;
}

void Decapsulator::take(const TunnelSocket& socket, const msghdr& message, std::span<uint8_t> bytes) {
  const size_t each = datagramBytes(message, bytes.size());
  bool isAccepted = false;
  do {
    const std::span<uint8_t> datagram = bytes.first(std::min(each, bytes.size()));
    bytes = bytes.subspan(datagram.size());
    const Decapsulated result = socket.decapsulate(message, datagram, rules_);
    verdicts_[static_cast<size_t>(result.verdict)].add(1);
    if (result.verdict != DecapVerdict::accepted) continue;
    isAccepted = true;
    writer_->add(result.inner);
  } while (!bytes.empty());
  if (path_ == nullptr || !isAccepted) return;
  if (const auto tunnel = socket.tunnelOf(message)) path_->vouch(*tunnel, coarseNowMs());
}

bool Decapsulator::deliver() {
  writer_->flush();
  if (!writer_->isDeviceGone()) return true;
  failureErrno_.store(EBADFD, std::memory_order_relaxed);
  return false;
}

DecapCounters Decapsulator::counters() const {
  const auto of = [this](DecapVerdict verdict) { return verdicts_[static_cast<size_t>(verdict)].read(); };
  DecapCounters counters;
  // In this order, the difference of the two can't be negative, whatever the thread does meanwhile.
  const InnerWriter::Counts written = writer_->counts();
  counters.writeFailed = written.failed;
  const uint64_t accepted = of(DecapVerdict::accepted);
  counters.delivered = accepted - std::min(accepted, counters.writeFailed);
  counters.deliveredBytes = written.bytes;
  counters.merged = written.merged;
  counters.superPackets = written.superPackets;
  counters.mergesRefused = written.mergesRefused;
  counters.received = accepted;
  for (const auto& [verdict, field] : kRefusals) {
    counters.*field = of(verdict);
    counters.received += counters.*field;
  }
  if (path_ != nullptr) {
    const DecapPath::Counts fast = path_->counts();
    counters.fastDelivered = fast.packets;
    counters.received += fast.packets;
    counters.delivered += fast.packets;
    counters.deliveredBytes += fast.bytes;
    counters.superPackets += fast.superPackets;
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
