#include "director/fragment/fragment.h"

#include "packet/next_header.h"

namespace tunvs {
namespace {}  // namespace

FragmentInfo fragmentInfoOf(const ParsedPacket& parsed) {
  FragmentInfo info;
  info.source = parsed.key.client();
  info.destination = parsed.key.virtualAddress();
  info.identification = parsed.identification;
  info.protocol = parsed.protocol;
  // In IPv6, only what stands between the fixed header and the fragment header counts.
  info.headerBytes =
      static_cast<uint16_t>(parsed.key.isV4() ? parsed.fragmentPayload : parsed.fragmentPayload - kIpv6HeaderBytes - 8);
  info.offsetBytes = parsed.fragmentOffset;
  info.payloadBytes = parsed.length - parsed.fragmentPayload;
  info.transportOffset = static_cast<uint16_t>(parsed.transport - parsed.fragmentPayload);
  info.more = parsed.moreFragments;
  return info;
}

FragmentDrop checkFragment(const FragmentInfo& info) {
  if (info.family() == Family::ipv6 && info.isFirst() && info.protocol != next_header::kNone &&
      info.payloadBytes < info.transportOffset + leastTransportBytes(info.protocol))
    return FragmentDrop::tinyFirst;
  // A host tells the sender of an offset beyond any datagram's end before it checks the length.
  if (info.family() == Family::ipv6 && info.endBytes() > 65535) return FragmentDrop::tooLong;
  if (info.takenBytes() == 0 || info.offsetBytes % 8 != 0) return FragmentDrop::badLength;
  if (info.more && info.takenBytes() % 8 != 0) return FragmentDrop::badLength;
  if (uint64_t{info.headerBytes} + info.offsetBytes + info.payloadBytes > 65535) return FragmentDrop::tooLong;
  const uint32_t least = leastTransportBytes(info.protocol);
  if (info.isFirst()) {
    return info.payloadBytes < info.transportOffset + least ? FragmentDrop::tinyFirst : FragmentDrop::none;
  }
  // In IPv6, only the first fragment says which protocol it is.
  const bool reachesIntoHeader = info.family() == Family::ipv4 && info.offsetBytes < least;
  return reachesIntoHeader ? FragmentDrop::tinyFirst : FragmentDrop::none;
}

bool isDroppedAlone(const FragmentInfo& info, FragmentDrop found) {
  if (info.family() != Family::ipv6) return false;
  switch (found) {
    case FragmentDrop::tinyFirst: return info.isFirst();
    case FragmentDrop::badLength: return info.more && info.payloadBytes % 8 != 0;
    case FragmentDrop::tooLong: return info.endBytes() > 65535;
    default: return false;
  }
}

}  // namespace tunvs
