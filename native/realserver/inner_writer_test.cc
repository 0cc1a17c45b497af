#include "realserver/inner_writer.h"

#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <vector>

#include "io/tun/tun_device.h"
#include "packet/segmenter.h"
#include "packet/vnet_header.h"
#include "support/network_namespace.h"
#include "support/tcp_streams.h"
#include "support/testing.h"

namespace tunvs::inner_writer_test {
namespace {

using testing::Bytes;
using testing::TcpStream;

// A stand-in for writev(2) that keeps what it is given, and fails as a test wants.
std::vector<Bytes> written;
int errorOfMerged, errorOfAll;

ssize_t keep(int, const iovec* parts, int count) {
  Bytes bytes;
  for (const iovec& part : std::span(parts, static_cast<size_t>(count))) {
    const auto* const from = static_cast<const uint8_t*>(part.iov_base);
    bytes.insert(bytes.end(), from, from + part.iov_len);
  }
  errno = errorOfAll;
  if (errno == 0 && count > 2) errno = errorOfMerged;
  if (errno != 0) return -1;
  written.push_back(bytes);
  return static_cast<ssize_t>(bytes.size());
}

std::unique_ptr<InnerWriter> writerThat(int failsMerged, int failsAll = 0, bool hasVnetHeader = true) {
  written.clear();
  errorOfMerged = failsMerged;
  errorOfAll = failsAll;
  return std::make_unique<InnerWriter>(-1, hasVnetHeader, keep);
}

std::vector<Bytes> segmentsOf(TcpStream& stream, size_t count) {
  std::vector<Bytes> made;
  for (size_t i = 0; i < count; i++) made.push_back(stream.next(1000));
  return made;
}

void addAll(InnerWriter& writer, const std::vector<Bytes>& packets) {
  for (const Bytes& packet : packets) writer.add(packet);
}

const Bytes kEmptyHeader(kVnetHeaderBytes, 0);

TEST("segments that follow one another are written as one packet, whose virtio header says how to cut it") {
  const auto writer = writerThat(0);
  TcpStream stream;
  const std::vector<Bytes> packets = segmentsOf(stream, 5);
  addAll(*writer, packets);
  CHECK_EQ(writer->waitingBytes(), 5 * 1052u);
  CHECK(written.empty());
  writer->flush();
  CHECK_EQ(writer->waitingBytes(), 0u);
  REQUIRE(written.size() == 1);
  Bytes& whole = written[0];
  REQUIRE(whole.size() == kVnetHeaderBytes + 52 + 5000);
  CHECK_EQ(static_cast<int>(whole[0]), 1);                                    // VIRTIO_NET_HDR_F_NEEDS_CSUM
  CHECK_EQ(static_cast<int>(whole[1]), 1);                                    // VIRTIO_NET_HDR_GSO_TCPV4
  CHECK_EQ(static_cast<int>(whole[2]), 52);                                   // all headers
  CHECK_EQ(whole[4] | whole[5] << 8, 1000);                                   // of a segment
  CHECK(whole[6] == 20 && whole[8] == 16 && whole[7] == 0 && whole[9] == 0);  // where the checksum is
  Packet packet{whole.data() + kVnetHeaderBytes, static_cast<uint32_t>(whole.size() - kVnetHeaderBytes)};
  CHECK(readVnetHeader(packet));
  Segmenter segments({packet.data, packet.length, IpAddress(), packet.offload});
  CHECK_EQ(segments.count(), 5u);
  const InnerWriter::Counts counts = writer->counts();
  CHECK_EQ(counts.merged, 5u);
  CHECK_EQ(counts.superPackets, 1u);
  CHECK_EQ(counts.bytes, 5 * 1052u);
  CHECK_EQ(counts.failed + counts.mergesRefused, 0u);
}

TEST("what is not merged is written as it is, behind an empty virtio header") {
  const auto writer = writerThat(0);
  TcpStream stream;
  const Bytes one = stream.next(1000), udp = testing::PacketBuilder().udp(1, 2).payload(10).build();
  writer->add(one);
  writer->flush();
  writer->add(udp);
  writer->add(udp);
  writer->flush();
  CHECK(written == (std::vector<Bytes>{testing::operator+(kEmptyHeader, one), testing::operator+(kEmptyHeader, udp),
                                       testing::operator+(kEmptyHeader, udp)}));
  CHECK_EQ(writer->counts().superPackets, 0u);
  CHECK_EQ(writer->counts().bytes, one.size() + 2 * udp.size());
}

TEST("without a virtio header each packet is written at once, and as it is") {
  const auto writer = writerThat(0, 0, false);
  TcpStream stream;
  const std::vector<Bytes> packets = segmentsOf(stream, 3);
  addAll(*writer, packets);
  CHECK(written == packets);
  writer->flush();
  CHECK(written == packets);
}

TEST("where the kernel refuses a merged packet its segments are written, nothing is lost, and none is merged again") {
  const auto writer = writerThat(EINVAL);
  TcpStream stream, other;
  other.port++;
  for (int round = 0; round < 2; round++) {
    written.clear();
    std::vector<Bytes> packets = segmentsOf(stream, 3);
    for (const Bytes& packet : segmentsOf(other, 3)) packets.push_back(packet);
    addAll(*writer, packets);
    writer->flush();
    for (Bytes& packet : packets) packet = testing::operator+(kEmptyHeader, packet);
    CHECK(written == packets);
  }
  CHECK_EQ(writer->counts().mergesRefused, 1u);
  CHECK_EQ(writer->counts().merged, 0u);
  CHECK_EQ(writer->counts().failed, 0u);
  CHECK_EQ(writer->counts().bytes, 12 * 1052u);
}

TEST("a merged packet that is lost counts as all of its segments, and only a deleted device is gone") {
  for (const int error : {EIO, EBADFD}) {
    const auto writer = writerThat(0, error);
    TcpStream stream;
    const std::vector<Bytes> packets = segmentsOf(stream, 4);
    addAll(*writer, packets);
    writer->flush();
    CHECK_EQ(writer->counts().failed, 4u);
    CHECK_EQ(writer->counts().bytes + writer->counts().merged, 0u);
    CHECK_EQ(writer->isDeviceGone(), error == EBADFD);
  }
}

TEST("more packets than a batch holds are written in between, in order") {
  const auto writer = writerThat(0);
  const Bytes udp = testing::PacketBuilder().udp(1, 2).payload(10).build();
  for (size_t i = 0; i <= TcpMerger::kMaxPackets; i++) writer->add(udp);
  CHECK_EQ(written.size(), TcpMerger::kMaxPackets);
  writer->flush();
  CHECK_EQ(written.size(), TcpMerger::kMaxPackets + 1);
}

TEST_WITH_TUN("the kernel takes a merged packet as one, and a single one as it is") {
  auto device = TunDevice::open({.name = "rs0", .offloads = OffloadChoice::writing()});
  REQUIRE(device.ok());
  CHECK(device.value()->offloads().hasHeader);
  CHECK(!device.value()->offloads().hasSuperPackets());
  REQUIRE(testing::run("ip link set rs0 up"));
  const UniqueFd tap(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(0x0003)));
  REQUIRE(tap.get() >= 0);
  const auto writer = std::make_unique<InnerWriter>(device.value()->descriptor(0), true);
  TcpStream four, six;
  six.isV4 = false;
  std::vector<Bytes> packets = segmentsOf(four, 40);
  for (const Bytes& packet : segmentsOf(six, 3)) packets.push_back(packet);
  packets.push_back(testing::PacketBuilder().udp(1, 2).payload(10).build());
  addAll(*writer, packets);
  writer->flush();
  CHECK_EQ(writer->counts().superPackets, 2u);
  CHECK_EQ(writer->counts().failed + writer->counts().mergesRefused, 0u);
  std::vector<ssize_t> lengths;
  std::vector<uint8_t> bytes(70000);
  sockaddr_ll from{};
  socklen_t size = sizeof from;
  for (ssize_t length; (length = ::recvfrom(tap.get(), bytes.data(), bytes.size(), 0,
                                            reinterpret_cast<sockaddr*>(&from), &size)) >= 0;) {
    // The host itself says something on a new link.
    if (from.sll_pkttype != PACKET_OUTGOING) lengths.push_back(length);
  }
  CHECK(lengths == (std::vector<ssize_t>{52 + 40000, 72 + 3000, 38}));
}

// Returns the sequence number that the host's answer to a SYN begins with; nullopt when none comes.
std::optional<uint32_t> answerToSyn(TunDevice& device, bool isV4) {
  std::optional<uint32_t> sequence;
  PacketVector vector(2000);
  const size_t transport = isV4 ? 20 : 40;
  CHECK(testing::eventually([&] {
    for (size_t left = device.queue(0).receive(vector).value(); left > 0; left--) {
      const Packet& packet = vector[left - 1];
      if (packet.length < transport + 20 || packet.data[0] >> 4 != (isV4 ? 4 : 6)) continue;
      if (packet.data[isV4 ? 9 : 6] == 6 && packet.data[transport + 13] == (kTcpSyn | kTcpAck))
        sequence = loadBe32(packet.data + transport + 4);
    }
    return sequence.has_value();
  }));
  return sequence;
}

UniqueFd listenAt(const char* text) {
  const IpAddress at = testing::address(text);
  UniqueFd fd(::socket(at.isV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in four{.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(80);
  std::memcpy(&four.sin_addr, at.bytes.data(), 4);
  std::memcpy(&six.sin6_addr, at.bytes.data(), 16);
  const auto* const name = at.isV4() ? reinterpret_cast<sockaddr*>(&four) : reinterpret_cast<sockaddr*>(&six);
  CHECK_EQ(::bind(fd.get(), name, at.isV4() ? sizeof four : sizeof six), 0);
  CHECK_EQ(::listen(fd.get(), 1), 0);
  return fd;
}

TEST_WITH_TUN("a TCP connection gets every byte of merged segments, and nothing of those that were spoiled") {
  auto device = TunDevice::open({.name = "rs0", .offloads = OffloadChoice::writing()});
  REQUIRE(device.ok());
  REQUIRE(
      testing::run("ip link set lo up && ip link set rs0 up && ip addr add 192.0.2.10/32 dev lo && "
                   "ip addr add 2001:db8::10/128 dev lo nodad && ip route add 198.51.100.0/24 dev rs0 && "
                   "ip route add 2001:db8:1::/64 dev rs0"));
  REQUIRE(testing::setSysctl("ipv4/conf/all/rp_filter", "0") && testing::setSysctl("ipv4/conf/rs0/rp_filter", "0"));
  const auto writer = std::make_unique<InnerWriter>(device.value()->descriptor(0), true);
  for (const bool isV4 : {true, false}) {
    const UniqueFd listener = listenAt(isV4 ? "192.0.2.10" : "2001:db8::10");
    TcpStream stream;
    stream.isV4 = isV4;
    const auto write = [&](const std::vector<Bytes>& packets) {
      addAll(*writer, packets);
      writer->flush();
    };
    write({stream.next(0, kTcpSyn)});
    stream.sequence++;
    const auto answer = answerToSyn(*device.value(), isV4);
    REQUIRE(answer.has_value());
    stream.acknowledged = *answer + 1;
    const std::vector<Bytes> packets = segmentsOf(stream, 40);
    std::vector<Bytes> arrive = packets;
    arrive[20].back() ^= 1;
    const uint64_t before = writer->counts().merged;
    write({stream.next(0)});
    write(arrive);
    CHECK_EQ(writer->counts().merged, before + 39);
    write({packets[20]});  // its sender sends it again
    Bytes payload, got;
    for (const Bytes& packet : packets) payload.insert(payload.end(), packet.end() - 1000, packet.end());
    const UniqueFd service(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    REQUIRE(service.get() >= 0);
    uint8_t bytes[65536];
    CHECK(testing::eventually([&] {
      for (ssize_t length; (length = ::recv(service.get(), bytes, sizeof bytes, 0)) > 0;)
        got.insert(got.end(), bytes, bytes + length);
      return got.size() >= payload.size();
    }));
    CHECK(got == payload);
  }
  CHECK_EQ(writer->counts().failed + writer->counts().mergesRefused, 0u);
}

}  // namespace
}  // namespace tunvs::inner_writer_test
