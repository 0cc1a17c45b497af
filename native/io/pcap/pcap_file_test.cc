#include "io/pcap/pcap_file.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/pcap/pcap_device.h"
#include "support/testing.h"

namespace tunvs::pcap_file_test {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/tunvs-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::vector<uint8_t> packetNumber(size_t i) {
  std::vector<uint8_t> packet(20 + i % 1400, static_cast<uint8_t>(i));
  packet[0] = 0x45;
  return packet;
}

// This is several times what the reader takes at once.
constexpr size_t kPackets = 5000;

void writeCapture(const std::string& path, size_t packets) {
  auto writer = PcapWriter::create(path);
  REQUIRE(writer.ok());
  for (size_t i = 0; i < packets; i++) {
    const auto packet = packetNumber(i);
    REQUIRE(writer.value()->write({i * 1000, packet}).ok());
  }
  CHECK(writer.value()->close().ok());
  CHECK(writer.value()->close().ok());
}

TEST("a capture file larger than the reader's buffer comes back packet by packet") {
  const TemporaryFolder folder;
  writeCapture(folder.file("a.pcap"), kPackets);
  auto reader = PcapReader::open(folder.file("a.pcap"));
  REQUIRE(reader.ok());
  for (size_t i = 0; i < kPackets; i++) {
    const auto packet = reader.value()->next();
    REQUIRE(packet.ok() && packet.value());
    const auto& bytes = packet.value()->bytes;
    REQUIRE(std::vector<uint8_t>(bytes.begin(), bytes.end()) == packetNumber(i));
    REQUIRE(packet.value()->timeNs == i * 1000);
  }
  const auto end = reader.value()->next();
  CHECK(end.ok() && !end.value());
}

TEST("a capture that was cut off gives all its whole records and then an error") {
  const TemporaryFolder folder;
  writeCapture(folder.file("a.pcap"), 3);
  std::filesystem::resize_file(folder.file("a.pcap"), std::filesystem::file_size(folder.file("a.pcap")) - 1);
  auto reader = PcapReader::open(folder.file("a.pcap"));
  REQUIRE(reader.ok());
  CHECK(reader.value()->next().value().has_value());
  CHECK(reader.value()->next().value().has_value());
  const auto end = reader.value()->next();
  REQUIRE(!end.ok());
  CHECK(end.error().message.find("ends within record 3") != std::string::npos);
}

TEST("files that can't be opened, read or written are errors with their path") {
  const TemporaryFolder folder;
  const auto missing = PcapReader::open(folder.file("none.pcap"));
  REQUIRE(!missing.ok());
  CHECK_EQ(missing.error().errnoValue, ENOENT);
  CHECK(missing.error().message.find("none.pcap") != std::string::npos);
  CHECK(!PcapReader::open("/tmp").ok());
  CHECK(!PcapWriter::create(folder.file("no/such/folder.pcap")).ok());

  auto full = PcapWriter::create("/dev/full");
  REQUIRE(full.ok());
  const auto closed = full.value()->close();
  REQUIRE(!closed.ok());
  CHECK_EQ(closed.error().errnoValue, ENOSPC);
}

TEST("a closed capture file takes no more packets") {
  const TemporaryFolder folder;
  auto writer = PcapWriter::create(folder.file("a.pcap"));
  REQUIRE(writer.ok());
  CHECK(writer.value()->close().ok());
  const auto late = writer.value()->write({});
  REQUIRE(!late.ok());
  CHECK(late.error().code == ErrorCode::closed);
}

TEST("a capture device gives vectors with the packets' times, and says when it is at its end") {
  const TemporaryFolder folder;
  writeCapture(folder.file("a.pcap"), 70);
  auto device = PcapDevice::open(folder.file("a.pcap"), 80);
  REQUIRE(device.ok());
  PacketVector vector(80);
  DeviceQueue& queue = device.value()->queue(0);
  CHECK_EQ(queue.receive(vector).value(), 61u);  // lengths 20 to 80 fit, the other nine do not
  CHECK(device.value()->atEnd());
  CHECK_EQ(queue.oversized(), 9u);
  CHECK_EQ(device.value()->timeNs(60), 60'000u);
  CHECK_EQ(vector[60].length, 80u);
  CHECK_EQ(queue.receive(vector).value(), 0u);
}

TEST("a capture device delivers what it read before it reports damage") {
  const TemporaryFolder folder;
  writeCapture(folder.file("a.pcap"), 2);
  std::ofstream(folder.file("a.pcap"), std::ios::app) << "damage";
  auto device = PcapDevice::open(folder.file("a.pcap"));
  REQUIRE(device.ok());
  PacketVector vector(1500);
  CHECK_EQ(device.value()->queue(0).receive(vector).value(), 2u);
  CHECK(!device.value()->queue(0).receive(vector).ok());
  CHECK(!device.value()->queue(0).receive(vector).ok());
}

}  // namespace
}  // namespace tunvs::pcap_file_test
