// Takes any bytes as a capture file: it is read to its end or to an error, each step goes forward, and packets lie
// within the input.
#include <cstdlib>

#include "io/pcap/pcap_format.h"

using namespace tunvs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> rest(data, size);
  auto parser = PcapParser::start(rest);
  if (!parser) return 0;
  rest = rest.subspan(kPcapFileHeaderBytes);
  uint64_t records = 0;
  while (true) {
    const auto step = parser->next(rest);
    if (!step) break;
    if (step.value().packet) {
      const auto bytes = step.value().packet->bytes;
      if (bytes.empty() || bytes.data() < rest.data() || bytes.data() + bytes.size() > rest.data() + rest.size())
        std::abort();
    }
    if (step.value().consumed == 0) {
      if (step.value().needed <= rest.size()) std::abort();
      break;
    }
    records++;
    rest = rest.subspan(step.value().consumed);
  }
  if (parser->packets() + parser->skipped().total() != records) std::abort();
  return 0;
}
