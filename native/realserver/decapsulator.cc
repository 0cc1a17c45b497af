#include "realserver/decapsulator.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace tunvs {
namespace {

// Holds what arrives while the thread is not scheduled: 100 ms of full-size packets at 800 Mbit/s.
constexpr int kReceiveBufferBytes = 16 << 20;
constexpr size_t kBatch = 32;
constexpr size_t kBufferBytes = 65536;

void bump(std::atomic<uint64_t>& counter, uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

Result<UniqueFd> openSocket() {
  UniqueFd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IPIP));
  if (!fd) {
    const int error = errno;
    if (error == EPERM || error == EACCES) {
      return Error{ErrorCode::permission,
                   "receiving tunnel packets needs a raw socket and so CAP_NET_RAW: run as root or give the capability",
                   error, "socket"};
    }
    return Error::fromErrno(error, "socket", "can't open a raw socket for IPIP");
  }
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes) < 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  }
  return fd;
}

constexpr DecapCounterName kCounterNames[] = {
    {"received", &DecapCounters::received},
    {"delivered", &DecapCounters::delivered},
    {"deliveredBytes", &DecapCounters::deliveredBytes},
    {"badOuter", &DecapCounters::badOuter},
    {"unknownDirector", &DecapCounters::unknownDirector},
    {"badInner", &DecapCounters::badInner},
    {"badInnerChecksum", &DecapCounters::badInnerChecksum},
    {"notVirtualAddress", &DecapCounters::notVirtualAddress},
    {"congestionNotSignallable", &DecapCounters::congestionNotSignallable},
    {"writeFailed", &DecapCounters::writeFailed},
    {"socketFull", &DecapCounters::socketFull},
};
static_assert(sizeof(DecapCounters) == std::size(kCounterNames) * sizeof(uint64_t));

}  // namespace

std::span<const DecapCounterName> decapCounterNames() { return kCounterNames; }

// Receive buffers of one batch, with the message headers that point to them.
struct Decapsulator::Buffers {
  std::unique_ptr<uint8_t[]> bytes = std::make_unique<uint8_t[]>(kBatch * kBufferBytes);
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};

  Buffers() {
    for (size_t i = 0; i < kBatch; i++) {
      parts[i] = {&bytes[i * kBufferBytes], kBufferBytes};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::span<uint8_t> packet(size_t i) { return {&bytes[i * kBufferBytes], messages[i].msg_len}; }
};

Result<std::unique_ptr<Decapsulator>> Decapsulator::start(const DecapsulatorOptions& options) {
  auto rules = DecapRules::make(options.directors, options.virtualAddresses);
  if (!rules) return rules.error();
  auto socket = openSocket();
  if (!socket) return socket.error();
  auto tun = TunDevice::open({.name = options.device, .queues = 1});
  if (!tun) return tun.error();
  UniqueFd stop(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop) return Error::fromErrno(errno, "eventfd", "can't start the decapsulator");
  return std::unique_ptr<Decapsulator>(
      new Decapsulator(std::move(rules).value(), std::move(tun).value(), std::move(socket).value(), std::move(stop)));
}

Decapsulator::Decapsulator(DecapRules rules, std::unique_ptr<TunDevice> tun, UniqueFd socket, UniqueFd stop)
    : rules_(std::move(rules)),
      tun_(std::move(tun)),
      socket_(std::move(socket)),
      stop_(std::move(stop)),
      thread_([this] { run(); }) {}

Decapsulator::~Decapsulator() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void Decapsulator::run() {
  Buffers buffers;
  pollfd waits[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) {
      failureErrno_.store(errno, std::memory_order_relaxed);
      return;
    }
    if (waits[1].revents != 0) return;
    if (waits[0].revents != 0 && !receiveAll(buffers)) return;
  }
}

bool Decapsulator::receiveAll(Buffers& buffers) {
  // Bounded, so that stop is seen under any load.
  for (int round = 0; round < 64; round++) {
    const int count = retryOnInterrupt(
        [&] { return ::recvmmsg(socket_.get(), buffers.messages.data(), kBatch, MSG_DONTWAIT, nullptr); });
    if (count < 0) {
      if (errno == EAGAIN) return true;
      failureErrno_.store(errno, std::memory_order_relaxed);
      return false;
    }
    for (int i = 0; i < count; i++) deliver(buffers.packet(static_cast<size_t>(i)));
    if (static_cast<size_t>(count) < kBatch) return true;
  }
  return true;
}

void Decapsulator::deliver(std::span<uint8_t> packet) {
  const Decapsulated result = decapsulate(packet, rules_);
  bump(verdicts_[static_cast<size_t>(result.verdict)]);
  if (result.verdict != DecapVerdict::accepted) return;
  const ssize_t written =
      retryOnInterrupt([&] { return ::write(tun_->descriptor(0), result.inner.data(), result.inner.size()); });
  if (written < 0) {
    bump(writeFailed_);
  } else {
    bump(deliveredBytes_, result.inner.size());
  }
}

DecapCounters Decapsulator::counters() const {
  const auto of = [this](DecapVerdict verdict) {
    return verdicts_[static_cast<size_t>(verdict)].load(std::memory_order_relaxed);
  };
  DecapCounters counters;
  // In this order the difference of the two can't be negative, whatever the thread does meanwhile.
  counters.writeFailed = writeFailed_.load(std::memory_order_relaxed);
  const uint64_t accepted = of(DecapVerdict::accepted);
  counters.delivered = accepted - std::min(accepted, counters.writeFailed);
  counters.deliveredBytes = deliveredBytes_.load(std::memory_order_relaxed);
  counters.badOuter = of(DecapVerdict::badOuter);
  counters.unknownDirector = of(DecapVerdict::unknownDirector);
  counters.badInner = of(DecapVerdict::badInner);
  counters.badInnerChecksum = of(DecapVerdict::badInnerChecksum);
  counters.notVirtualAddress = of(DecapVerdict::notVirtualAddress);
  counters.congestionNotSignallable = of(DecapVerdict::congestionNotSignallable);
  counters.received = accepted + counters.badOuter + counters.unknownDirector + counters.badInner +
                      counters.badInnerChecksum + counters.notVirtualAddress + counters.congestionNotSignallable;
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof memory;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory, &length) == 0)
    counters.socketFull = memory[SK_MEMINFO_DROPS];
  return counters;
}

std::string Decapsulator::failure() const {
  const int error = failureErrno_.load(std::memory_order_relaxed);
  return error == 0 ? "" : std::string("receiving tunnel packets failed: ") + std::strerror(error);
}

}  // namespace tunvs
