// Takes any bytes as a packet, and any place in it: what is refused is left alone, and what is replaced keeps the laws.
//
// An input is the transport's offset, the range's offset and bytes, the room to grow and how (a bit each), the text's
// length, the text, the packet.
#include <cstdio>
#include <cstdlib>

#include "support/replace_laws.h"

using namespace tunvs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kChoiceBytes = 8;
  constexpr uint8_t kIsUnfinished = 1, kSaysLength = 2;
  if (size < kChoiceBytes || size - kChoiceBytes < data[7] || size > kMaxPacketBytes) return 0;
  testing::Replacing call;
  call.transport = data[0];
  call.range = {loadBe16(data + 1), loadBe16(data + 3)};
  const uint8_t* const text = data + kChoiceBytes;
  call.text.assign(reinterpret_cast<const char*>(text), data[7]);
  call.packet.assign(text + data[7], data + size);
  call.capacity = call.packet.size() + data[5];
  if ((data[6] & kIsUnfinished) != 0) call.offload.kind = OffloadKind::tcpChecksum;
  if ((data[6] & kSaysLength) != 0 && call.packet.size() >= kIpv6HeaderBytes) {
    const bool isV4 = call.packet[0] >> 4 == 4;
    storeBe16(&call.packet[isV4 ? 2 : 4], static_cast<uint16_t>(call.packet.size() - (isV4 ? 0 : kIpv6HeaderBytes)));
  }
  testing::Laws laws;
  testing::checkReplacing(call, laws);
  if (laws.hold()) return 0;
  std::fprintf(stderr, "broken law: %s\n", laws.broken().c_str());
  std::abort();
}
