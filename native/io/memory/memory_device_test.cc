#include "io/memory/memory_device.h"

#include <poll.h>

#include <thread>

#include "support/testing.h"

namespace tunvs::memory_device_test {
namespace {

bool isReadable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

std::vector<uint8_t> packetOf(size_t length, uint8_t fill) { return std::vector<uint8_t>(length, fill); }

TEST("a memory queue gives its packets in order, at most a vector at a time") {
  MemoryDevice device(2);
  for (size_t i = 0; i < kVectorSize + 3; i++) device.push(1, packetOf(20 + i, static_cast<uint8_t>(i)));
  PacketVector vector(2000);
  CHECK_EQ(device.queue(0).receive(vector).value(), 0u);
  CHECK_EQ(device.queue(1).receive(vector).value(), kVectorSize);
  CHECK_EQ(vector.count(), kVectorSize);
  CHECK_EQ(vector[63].length, 83u);
  CHECK_EQ(vector[63].data[82], 63);
  CHECK_EQ(device.queue(1).receive(vector).value(), 3u);
  CHECK_EQ(vector[0].data[0], 64);
  CHECK_EQ(device.queue(1).receive(vector).value(), 0u);
}

TEST("a memory queue is readable exactly while packets wait") {
  MemoryDevice device(1);
  PacketVector vector(100);
  CHECK(!isReadable(device.queue(0).pollDescriptor()));
  for (size_t i = 0; i < kVectorSize + 1; i++) device.push(0, packetOf(20, 0));
  CHECK(isReadable(device.queue(0).pollDescriptor()));
  CHECK(device.queue(0).receive(vector).ok());
  CHECK(isReadable(device.queue(0).pollDescriptor()));
  CHECK(device.queue(0).receive(vector).ok());
  CHECK(!isReadable(device.queue(0).pollDescriptor()));
}

TEST("a memory queue drops and counts packets that are longer than the vector's buffers") {
  MemoryDevice device(1);
  device.push(0, packetOf(101, 1));
  device.push(0, packetOf(100, 2));
  PacketVector vector(100);
  CHECK_EQ(device.queue(0).receive(vector).value(), 1u);
  CHECK_EQ(vector[0].data[0], 2);
  CHECK_EQ(device.queue(0).oversized(), 1u);
}

TEST("a broken memory queue wakes its reader and fails") {
  MemoryDevice device(1);
  device.breakQueue(0);
  CHECK(isReadable(device.queue(0).pollDescriptor()));
  PacketVector vector(100);
  CHECK(!device.queue(0).receive(vector).ok());
}

TEST("packets may be pushed while another thread receives") {
  MemoryDevice device(1);
  constexpr size_t kPackets = 5000;
  std::thread pusher([&] {
    for (size_t i = 0; i < kPackets; i++) device.push(0, packetOf(20, static_cast<uint8_t>(i)));
  });
  PacketVector vector(100);
  size_t received = 0;
  bool isInOrder = true;
  while (received < kPackets) {
    pollfd wait{device.queue(0).pollDescriptor(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    const size_t count = device.queue(0).receive(vector).value();
    for (size_t i = 0; i < count; i++) isInOrder &= vector[i].data[0] == static_cast<uint8_t>(received + i);
    received += count;
  }
  pusher.join();
  CHECK(isInOrder);
}

TEST("a repeating device gives its set as often as asked, across vectors, and then nothing") {
  const std::vector<std::vector<uint8_t>> set = {packetOf(20, 1), packetOf(40, 2), packetOf(60, 3)};
  RepeatingDevice device(set, 30, 100);
  PacketVector vector(100);
  size_t total = 0;
  bool isRight = true;
  while (const size_t count = device.queue(0).receive(vector).value()) {
    for (size_t i = 0; i < count; i++, total++) {
      const auto& expected = set[total % 3];
      isRight &= std::vector<uint8_t>(vector[i].data, vector[i].data + vector[i].length) == expected;
    }
  }
  CHECK(isRight);
  CHECK_EQ(total, 90u);
  CHECK_EQ(device.queue(0).pollDescriptor(), -1);
}

TEST("a repeating device without packets is at its end") {
  RepeatingDevice device({}, 1000000, 100);
  PacketVector vector(100);
  CHECK_EQ(device.queue(0).receive(vector).value(), 0u);
}

}  // namespace
}  // namespace tunvs::memory_device_test
