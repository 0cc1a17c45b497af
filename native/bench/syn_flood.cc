#include "bench/syn_flood.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/clock.h"

namespace tunvs::bench {

Result<std::unique_ptr<SynFlood>> SynFlood::make(const SynFloodOptions& options) {
  if (!options.virtualAddress.isV4())
    return Error::make(ErrorCode::invalidArgument, "syn flood: virtualAddress is an IPv4 address");
  UniqueFd room(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (room.get() < 0) return Error::fromErrno(errno, "eventfd", "could not make the flood's descriptor");
  return std::unique_ptr<SynFlood>(new SynFlood(options, std::move(room)));
}

SynFlood::SynFlood(const SynFloodOptions& options, UniqueFd room)
    : options_(options),
      packet_(IpProtocol::tcp, options.virtualAddress, options.port, kBytes, kTcpSyn),
      room_(std::move(room)) {}

SendResult SynFlood::send(std::span<const OutputPacket> packets, OutputWay, PacketVector&) {
  sent_.fetch_add(packets.size(), std::memory_order_relaxed);
  const uint64_t one = 1;
  if (isFull_ && write(room_.get(), &one, sizeof one) == sizeof one) isFull_ = false;
  return {packets.size()};
}

Result<size_t> SynFlood::receive(PacketVector& vector) {
  vector.reset();
  const uint64_t sent = this->sent();
  if (given_ == 0) beginNs_ = monotonicNs();
  if (sent == options_.connections && elapsedNs() == 0)
    elapsedNs_.store(monotonicNs() - beginNs_, std::memory_order_release);
  const uint64_t room = sent + options_.window - given_;
  const auto count = static_cast<size_t>(std::min({uint64_t{kVectorSize}, room, options_.connections - given_}));
  for (size_t i = 0; i < count; i++) {
    packet_.write(vector[i].data, static_cast<uint32_t>(given_++));
    vector[i].length = kBytes;
  }
  vector.setCount(count);
  if (count == 0) {
    uint64_t times;
    [[maybe_unused]] const ssize_t drained = read(room_.get(), &times, sizeof times);
    isFull_ = true;
  }
  return count;
}

}  // namespace tunvs::bench
