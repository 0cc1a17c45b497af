// Takes any bytes as what the kernel says: every parser reads within them and ends.
#include <algorithm>
#include <memory>

#include "io/route/netlink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tunvs;
  // The block ends where its contents end.
  const auto block = std::make_unique<uint8_t[]>(size);
  std::copy(data, data + size, block.get());
  const std::span<const uint8_t> message(block.get(), size);
  static_cast<void>(parseRoute(message));
  static_cast<void>(parseLink(message));
  static_cast<void>(parseNeighbour(message));
  static_cast<void>(isNews(message, [](const IpAddress& address) { return address.isV4(); }));
  return 0;
}
