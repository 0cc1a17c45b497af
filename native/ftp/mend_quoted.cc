#include "ftp/mend_quoted.h"

#include "ftp/checksum_difference.h"
#include "packet/parse.h"
#include "packet/quote.h"

namespace tunvs {
namespace {

constexpr size_t kIcmpBytes = 8, kIcmpCheck = 2, kSequence = 4;

}  // namespace

void mendQuoted(std::span<uint8_t> icmp, const SequenceShift& shift) {
  if (shift.isNone() || icmp.size() < kIcmpBytes) return;
  const auto quote = readQuote(icmp.subspan(kIcmpBytes));
  if (!quote || !quote->hasPorts || quote->protocol != static_cast<uint8_t>(IpProtocol::tcp)) return;
  const size_t at = kIcmpBytes + quote->headerBytes + kSequence;
  if (at + 4 > icmp.size()) return;
  uint8_t* const sequence = icmp.data() + at;
  // A quote begins at an even place, and so does everything in it.
  const uint64_t before = checksumAdd(sequence, 4);
  storeBe32(sequence, shift.back(loadBe32(sequence)));
  mendChecksum(icmp.data() + kIcmpCheck, before, checksumAdd(sequence, 4));
}

}  // namespace tunvs
