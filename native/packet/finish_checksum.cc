#include "packet/finish_checksum.h"

#include <cstring>

#include "packet/checksum.h"

namespace tunvs {

bool finishChecksum(std::span<uint8_t> packet, size_t start, size_t field) {
  if (start > packet.size() || field + 2 > packet.size() - start) return false;
  Be16 check = checksum(packet.data() + start, packet.size() - start);
  // UDP has no checksum of 0 (RFC 768), and to the others 0xffff is the same: the kernel writes it for all as well.
  if (check.raw == 0) check.raw = 0xffff;
  std::memcpy(packet.data() + start + field, &check.raw, sizeof check.raw);
  return true;
}

}  // namespace tunvs
