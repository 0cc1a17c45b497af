// Reads any bytes as an IPv6 packet behind an outer header.
#include "support/decap_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tunvs::testing::fuzzPayload("ipip", tunvs::IpProtocol::ipv6, data, size);
}
