// Takes bytes as choices of how a batch of TCP segments is made, and as packets themselves: whatever they are, packets
// come out as they went in, in the order of their flows, and what was merged is cut into the same packets again.
#include <cstdio>
#include <cstdlib>

#include "support/merge_laws.h"
#include "support/tcp_streams.h"

using namespace tunvs;

namespace {

// Chooses by the bytes of the input, and always the first when there are no more.
class ByteChoices {
 public:
  explicit ByteChoices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  size_t left() const { return bytes_.size(); }
  uint32_t below(uint32_t limit) {
    uint32_t value = 0;
    for (uint32_t most = limit - 1; most != 0 && !bytes_.empty(); most >>= 8) {
      value = value << 8 | bytes_[0];
      bytes_ = bytes_.subspan(1);
    }
    return value % limit;
  }

 private:
  std::span<const uint8_t> bytes_;
};

void check(std::span<const testing::Bytes> batch) {
  static TcpMerger merger;
  testing::Laws laws;
  testing::checkMerger(merger, batch, laws);
  if (laws.hold()) return;
  std::fprintf(stderr, "broken law: %s\n", laws.broken().c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ByteChoices choices({data + 1, size - 1});
  if (data[0] % 4 != 0) {
    check(testing::makeTcpBatch(choices, std::min<size_t>(choices.left() / 2 + 2, 100)));
    return 0;
  }
  std::vector<testing::Bytes> batch;
  const std::span<const uint8_t> packets(data + 1, size - 1);
  for (size_t at = 0; at < packets.size() && batch.size() < 100;) {
    const size_t length = std::min<size_t>(packets[at], packets.size() - at - 1);
    if (length == 0) break;  // a batch holds no empty packets
    batch.push_back(testing::bytesOf(packets.subspan(at + 1, length)));
    at += 1 + length;
  }
  check(batch);
  return 0;
}
