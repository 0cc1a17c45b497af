// A Call-ID lies within the message, is not empty and not too long.
#include <cstdlib>

#include "packet/sip_call_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto found = tunvs::sipCallId({data, size});
  if (!found) return 0;
  const auto* begin = reinterpret_cast<const uint8_t*>(found->data());
  if (begin < data || begin + found->size() > data + size) std::abort();
  if (found->empty() || found->size() > tunvs::kMaxCallIdBytes) std::abort();
  if (found->find('\n') != std::string_view::npos) std::abort();
  return 0;
}
