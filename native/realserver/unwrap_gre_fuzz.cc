// Reads any bytes as what a director sends by GRE.
#include "support/decap_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tunvs::testing::fuzzPayload("gre", tunvs::IpProtocol::gre, data, size);
}
