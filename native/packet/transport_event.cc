#include "packet/transport_event.h"

#include "core/inet.h"

namespace tunvs {
namespace {

constexpr size_t kCommonHeaderBytes = 12;
constexpr size_t kChunkHeaderBytes = 4;

// The events stand by chunk type. Chunks that only keep an association alive (SACK, HEARTBEAT, ECNE, CWR) count as
// data.
constexpr SctpEvent kByChunkType[] = {
    SctpEvent::data,  SctpEvent::init,       SctpEvent::initAck,
    SctpEvent::data,  SctpEvent::data,       SctpEvent::data,
    SctpEvent::abort, SctpEvent::shutdown,   SctpEvent::shutdownAck,
    SctpEvent::error, SctpEvent::cookieEcho, SctpEvent::cookieAck,
    SctpEvent::data,  SctpEvent::data,       SctpEvent::shutdownComplete,
};

SctpEvent eventOfChunk(uint8_t type) { return type < std::size(kByChunkType) ? kByChunkType[type] : SctpEvent::data; }

}  // namespace

SctpEvent sctpEventOf(std::span<const uint8_t> segment) {
  const SctpEvent first = eventOfChunk(segment[kCommonHeaderBytes]);
  if (first != SctpEvent::cookieEcho && first != SctpEvent::cookieAck) return first;
  const size_t chunkBytes = loadBe16(segment.data() + kCommonHeaderBytes + 2);
  const size_t next = kCommonHeaderBytes + (chunkBytes + 3) / 4 * 4;
  if (chunkBytes < kChunkHeaderBytes || next + kChunkHeaderBytes > segment.size()) return first;
  return eventOfChunk(segment[next]) == SctpEvent::abort ? SctpEvent::abort : first;
}

}  // namespace tunvs
