#include "support/tunnel_end.h"

namespace tunvs::testing {
namespace {

using Bytes = std::vector<uint8_t>;

unsigned two(const Bytes& bytes, size_t at) { return unsigned{bytes.at(at)} * 256 + bytes.at(at + 1); }

Bytes slice(const Bytes& bytes, size_t from, size_t to) {
  return {bytes.begin() + static_cast<long>(from), bytes.begin() + static_cast<long>(to)};
}

// Adds 16 bits at a time, carrying around at once: slow and plain.
unsigned onesSum(const Bytes& bytes, unsigned sum) {
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += unsigned{bytes[i]} * 256 + (i + 1 < bytes.size() ? bytes[i + 1] : 0);
    if (sum > 0xffff) sum = sum - 0x10000 + 1;
  }
  return sum;
}

struct Outer {
  Bytes pseudo;  // addresses
  Bytes payload;
};

std::string takeIpv4(const Bytes& packet, Tunnelled& taken, Outer& outer) {
  if (packet.size() < 20 || packet[0] != 0x45) return "no 20-byte IPv4 header";
  if (two(packet, 2) != packet.size()) return "total length is wrong";
  if (!addsUp(slice(packet, 0, 20))) return "IPv4 header checksum is wrong";
  if ((two(packet, 6) & 0xbfff) != 0) return "a fragment, or the reserved flag is set";
  taken.trafficClass = packet[1];
  taken.identification = static_cast<uint16_t>(two(packet, 4));
  taken.dontFragment = (packet[6] & 0x40) != 0;
  taken.ttl = packet[8];
  taken.outerProtocol = packet[9];
  outer = {slice(packet, 12, 20), slice(packet, 20, packet.size())};
  return "";
}

std::string takeIpv6(const Bytes& packet, Tunnelled& taken, Outer& outer) {
  if (packet.size() < 40) return "no 40-byte IPv6 header";
  if (two(packet, 4) + 40 != packet.size()) return "payload length is wrong";
  taken.trafficClass = static_cast<int>(two(packet, 0) >> 4 & 0xff);
  taken.flowLabel = (two(packet, 0) & 0x0f) << 16 | two(packet, 2);
  taken.outerProtocol = packet[6];
  taken.ttl = packet[7];
  outer = {slice(packet, 8, 40), slice(packet, 40, packet.size())};
  return "";
}

// Does what a receiver of remote checksum offload does: completes the checksum that the sender began.
std::string finishChecksum(Bytes& inner, unsigned start, unsigned field) {
  if (field < start || field + 2 > inner.size()) return "remote checksum lies outside the packet";
  const unsigned sum = 0xffff - onesSum(slice(inner, start, inner.size()), 0);
  inner[field] = static_cast<uint8_t>(sum >> 8);
  inner[field + 1] = static_cast<uint8_t>(sum);
  return "";
}

std::string takeGue(const Outer& outer, Tunnelled& taken) {
  const Bytes& udp = outer.payload;
  if (udp.size() < 12) return "no GUE header";
  if (two(udp, 4) != udp.size()) return "UDP length is wrong";
  taken.sourcePort = static_cast<int>(two(udp, 0));
  taken.destinationPort = static_cast<int>(two(udp, 2));
  taken.hasChecksum = two(udp, 6) != 0;
  if (taken.hasChecksum) {
    Bytes pseudo = outer.pseudo;
    for (const unsigned byte :
         {0u, 17u, static_cast<unsigned>(udp.size()) >> 8, static_cast<unsigned>(udp.size()) & 0xff}) {
      pseudo.push_back(static_cast<uint8_t>(byte));
    }
    if (!addsUp(udp, pseudo)) return "UDP checksum is wrong";
  }
  if ((udp[8] & 0xe0) != 0) return "GUE version or control flag is set";
  const size_t begin = 12 + size_t{udp[8]} * 4;
  if (udp.size() < begin) return "GUE header is longer than the packet";
  taken.inner = slice(udp, begin, udp.size());
  if (udp[9] != (taken.inner.at(0) >> 4 == 4 ? 4 : 41)) return "GUE protocol is not the packet's";
  const unsigned flags = two(udp, 10);
  if (flags == 0) return udp[8] == 0 ? "" : "GUE header has fields without flags";
  if (flags != 1 || udp[8] != 2 || two(udp, 12) != 0x8000 || two(udp, 14) != 0) return "unknown GUE flags";
  return finishChecksum(taken.inner, two(udp, 16), two(udp, 18));
}

std::string takeGre(const Outer& outer, Tunnelled& taken) {
  const Bytes& gre = outer.payload;
  taken.hasChecksum = two(gre, 0) == 0x8000;
  if (!taken.hasChecksum && two(gre, 0) != 0) return "unknown GRE flags";
  if (taken.hasChecksum && (two(gre, 6) != 0 || !addsUp(gre))) return "GRE checksum is wrong";
  taken.inner = slice(gre, taken.hasChecksum ? 8 : 4, gre.size());
  if (two(gre, 2) != (taken.inner.at(0) >> 4 == 4 ? 0x0800u : 0x86ddu)) return "GRE protocol is not the packet's";
  return "";
}

}  // namespace

bool addsUp(const Bytes& bytes, const Bytes& pseudo) { return onesSum(bytes, onesSum(pseudo, 0)) == 0xffff; }

Tunnelled takeApart(const Bytes& packet) {
  Tunnelled taken;
  Outer outer;
  taken.outerVersion = packet.at(0) >> 4;
  taken.problem = taken.outerVersion == 4 ? takeIpv4(packet, taken, outer) : takeIpv6(packet, taken, outer);
  if (!taken.problem.empty()) return taken;
  switch (taken.outerProtocol) {
    case 4:
    case 41:
      taken.inner = outer.payload;
      if (taken.inner.at(0) >> 4 != (taken.outerProtocol == 4 ? 4 : 6)) taken.problem = "protocol is not the packet's";
      break;
    case 17: taken.problem = takeGue(outer, taken); break;
    case 47: taken.problem = takeGre(outer, taken); break;
    default: taken.problem = "unknown outer protocol";
  }
  return taken;
}

}  // namespace tunvs::testing
