// Reads any bytes as what a director sends to GUE's port.
#include "support/decap_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tunvs::testing::fuzzPayload("gue", tunvs::IpProtocol::udp, data, size);
}
