// Whatever a datagram holds, what is taken of it lies within it, and says again what it said when it is written anew.
//
// An input is a datagram. Its size field is put right if it is wrong, since nothing else is to be found behind that.
#include <cstdlib>

#include "support/sync_messages.h"

using namespace tunvs;
using namespace tunvs::testing;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void requireWithin(std::string_view text, std::span<const uint8_t> datagram) {
  if (text.empty()) return;
  const auto* const begin = reinterpret_cast<const uint8_t*>(text.data());
  require(begin >= datagram.data() && begin + text.size() <= datagram.data() + datagram.size());
}

// Writes the records as this version, and compares what is read of that with what was written.
void checkWritten(std::span<const SyncRecord> records, SyncVersion version) {
  std::vector<SyncRecord> read;
  const std::vector<Bytes> messages = writeSync(records, version, 3, 1472);
  for (const Bytes& message : messages) {
    const SyncReading reading = readSync(message, 3);
    require(reading.refusals.empty());
    read.insert(read.end(), reading.records.begin(), reading.records.end());
  }
  require(std::ranges::equal(read, records));
}

// Returns what version 0 says of those records that it can hold.
std::vector<SyncRecord> asVersion0(std::span<const SyncRecord> records) {
  std::vector<SyncRecord> kept;
  for (SyncRecord record : records) {
    if (record.family() != Family::ipv4 || !record.engineData.empty()) continue;
    record.engineName = {};
    record.mark = record.timeoutSeconds = 0;
    record.flags &= 0xffff;
    const bool isAnnounced = (record.flags & kSyncSequences) != 0;
    record.sequences = isAnnounced ? std::optional(record.sequences.value_or(SyncSequencePair())) : std::nullopt;
    kept.push_back(record);
  }
  return kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Exact held({data, size});
  const std::span<uint8_t> datagram = held.span();
  readSync(datagram);
  if (size < 4 || size > 65535) return 0;
  storeBe16(&datagram[2], static_cast<uint16_t>(size));
  const SyncReading reading = readSync(datagram, datagram[1]);
  require(reading.records.size() + reading.refusals.size() <= 255);
  for (const SyncRecord& record : reading.records) {
    requireWithin(record.engineName, datagram);
    requireWithin(record.engineData, datagram);
  }
  checkWritten(reading.records, SyncVersion::v1);
  checkWritten(asVersion0(reading.records), SyncVersion::v0);
  return 0;
}
