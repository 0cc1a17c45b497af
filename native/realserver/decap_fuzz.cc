// Reads any bytes as a packet from a raw IPv4 socket, of the protocol that its outer header names.
#include "support/decap_fuzzing.h"

using namespace tunvs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 10) return 0;
  for (const Encapsulation& encapsulation : kEncapsulations) {
    if (static_cast<uint8_t>(encapsulation.protocol) != data[9]) continue;
    std::vector<uint8_t> packet(data, data + size);
    testing::checkDecapsulated(decapsulateIpv4(packet, encapsulation, testing::fuzzRules()), packet);
  }
  return 0;
}
