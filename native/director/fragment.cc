#include "director/fragment.h"

namespace tunvs {

FragmentDrop checkFragment(const FragmentInfo& info) {
  if (info.payloadBytes == 0 || info.offsetBytes % 8 != 0) return FragmentDrop::badLength;
  if (info.more && info.payloadBytes % 8 != 0) return FragmentDrop::badLength;
  if (uint64_t{info.headerBytes} + info.offsetBytes + info.payloadBytes > 65535) return FragmentDrop::tooLong;
  const uint32_t least = leastTransportBytes(info.protocol);
  if (info.isFirst()) {
    return info.payloadBytes < info.transportOffset + least ? FragmentDrop::tinyFirst : FragmentDrop::none;
  }
  return info.offsetBytes < least ? FragmentDrop::tinyFirst : FragmentDrop::none;
}

}  // namespace tunvs
