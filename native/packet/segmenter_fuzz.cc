// Takes any bytes as a virtio header with a packet behind it: nothing beyond the packet is read, segments hold its
// payload once and in order, what the director's checks accept becomes packets that parse, and trains have as many
// datagrams as there are segments.
#include <cstdlib>

#include "packet/gue_train.h"
#include "packet/segmenter.h"
#include "packet/vnet_header.h"
#include "support/raw_bytes.h"

using namespace tunvs;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void checkSegments(const OutputPacket& packet) {
  Segmenter segments(packet);
  size_t bytes = 0;
  size_t headers = 0;
  const size_t count = segments.count();
  for (size_t i = 0; i < count; i++) {
    require(!segments.isDone());
    const testing::Exact room(segments.longestBytes());
    const size_t length = segments.next(room.span());
    require(length <= segments.longestBytes() && length <= packet.length);
    if (i == 0) headers = length - std::min<size_t>(packet.offload.segmentBytes, length);
    if (i == 0 && count == 1) return;
    require(length > headers);
    require(std::equal(room.span().begin() + static_cast<ptrdiff_t>(headers),
                       room.span().begin() + static_cast<ptrdiff_t>(length), packet.data + headers + bytes));
    bytes += length - headers;
  }
  require(segments.isDone());
  if (count > 0) require(headers + bytes == packet.length);
}

// Whatever the bytes are, trains take what they are for, and each stays within its bounds.
void checkTrains(const OutputPacket& packet) {
  GueTrain train(packet);
  if (!train.isPossible()) return;
  require(train.longestBytes() <= kMaxPacketBytes);
  const testing::Exact room(kMaxPacketBytes);
  size_t datagrams = 0;
  while (!train.isDone()) {
    const Packet made = train.next(room.span());
    require(made.length <= kMaxPacketBytes && train.datagrams() >= 1 && train.datagrams() <= GueTrain::kMaxDatagrams);
    datagrams += train.datagrams();
  }
  require(datagrams == Segmenter(packet).count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 + kVnetHeaderBytes || size > kMaxPacketBytes) return 0;
  const uint8_t outerBytes = data[0];
  const testing::Exact held(std::span(data + 1, size - 1));
  uint8_t* const at = held.span().data() + kVnetHeaderBytes;
  Packet packet{at, static_cast<uint32_t>(size - 1 - kVnetHeaderBytes)};
  if (!readVnetHeader(packet)) {
    require(packet.offload.isNone());
    return 0;
  }
  // What only the director would find out is cut as well: an offload that the headers contradict.
  OutputPacket output{packet.data, packet.length, IpAddress(), packet.offload};
  checkSegments(output);
  output.outerBytes = outerBytes;
  checkSegments(output);
  checkTrains(output);
  output.sealsOuter = true;
  checkSegments(output);
  if (!packet.offload.isNone()) writeVnetHeader(packet.data, packet.offload);
  return 0;
}
