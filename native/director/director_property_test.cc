// What must hold after any sequence of packets, control operations, expiry and eviction: see
// support/director_program.h.
#include <vector>

#include "support/director_program.h"
#include "support/random.h"
#include "support/testing.h"

namespace tunvs::director_property_test {
namespace {

using testing::Random;

constexpr uint8_t kSend = 0, kSendMany = 6, kPass = 7, kExpire = 9, kApply = 10, kTune = 13, kCollect = 14;
constexpr uint8_t kDefend = 0x4f, kEnd = 0x8f, kPin = 0xcf, kRelease = 0xef, kFragments = 0x6e, kAnswered = 0xbe;

// The program begins with services and servers, so that most packets mean something.
std::vector<uint8_t> preparedProgram() {
  std::vector<uint8_t> program;
  for (uint8_t service = 0; service < 3; service++) {
    const auto high = static_cast<uint8_t>(service << 4);
    for (const uint8_t byte : {kApply, uint8_t{2}, high, service, static_cast<uint8_t>(high | 4), uint8_t{0},
                               uint8_t{1}, static_cast<uint8_t>(high | 4), uint8_t{1}, uint8_t{0x52}}) {
      program.push_back(byte);
    }
  }
  return program;
}

bool holdsFor(const std::vector<uint8_t>& program, uint64_t seed) {
  const std::string broken = testing::runDirectorProgram(program);
  if (broken.empty()) return true;
  testing::fail(__FILE__, __LINE__, "seed " + std::to_string(seed) + ": " + broken);
  return false;
}

TEST("keeps its laws through random programs") {
  for (uint64_t seed = 1; seed <= 200 / testing::kFewer; seed++) {
    Random random(seed);
    auto program = preparedProgram();
    for (int i = 0; i < 6000; i++) program.push_back(static_cast<uint8_t>(random.next()));
    if (!holdsFor(program, seed)) return;
  }
}

TEST("keeps its laws while few flows meet every change") {
  constexpr uint8_t kAddServer = 4, kEditServer = 8, kDeleteServer = 10;
  for (uint64_t seed = 1; seed <= 200 / testing::kFewer; seed++) {
    Random random(seed);
    auto program = preparedProgram();
    const auto append = [&](std::initializer_list<uint32_t> bytes) {
      for (const uint32_t byte : bytes) program.push_back(static_cast<uint8_t>(byte));
    };
    for (int i = 0; i < 1500; i++) {
      const uint32_t service = random.below(3), worker = random.below(2) << 7;
      switch (random.below(28)) {
        case 0: append({kApply, 0, service << 4 | kAddServer, random.below(4), random.below(256)}); break;
        case 1: append({kApply, 0, service << 4 | kEditServer, random.below(4), random.below(256)}); break;
        case 2: append({kApply, 0, service << 4 | kDeleteServer, random.below(4)}); break;
        case 3: append({kApply, random.below(4), random.below(256), random.below(256), random.below(256)}); break;
        case 4: append({kPass, random.below(256)}); break;
        case 5: append({kExpire, random.below(2) | 4}); break;
        case 6:
          if (random.oneIn(8)) append({kTune, random.below(256)});
          if (random.oneIn(8)) append({kDefend, random.below(256), random.below(256)});
          break;
        case 7: append({kCollect}); break;
        case 8:
          if (random.oneIn(4)) append({kEnd, service << 4 | random.below(4)});
          break;
        case 9:
          append({kPin, service << 4 | random.below(4), 0, random.below(12), random.below(16)});
          append({kSend, service | worker, 0, random.below(12), random.below(2)});
          break;
        case 10: append({kRelease, random.below(8)}); break;
        default: append({kSend, service | worker, 0, random.below(12), random.below(random.oneIn(4) ? 8 : 2)}); break;
      }
    }
    if (!holdsFor(program, seed)) return;
  }
}

// Servers are added with and without NAT, and the packets are those of both sides.
TEST("keeps its laws while packets of both sides of few flows are rewritten") {
  constexpr uint8_t kAddServer = 4, kEditServer = 8, kDeleteServer = 10, kCondition = 12;
  constexpr uint8_t kReply = 0x45, kFtp = 0x85, kError = 0xc5, kReplyPieces = 0xe5;
  for (uint64_t seed = 1; seed <= 200 / testing::kFewer; seed++) {
    Random random(seed);
    std::vector<uint8_t> program;
    const auto append = [&](std::initializer_list<uint32_t> bytes) {
      for (const uint32_t byte : bytes) program.push_back(static_cast<uint8_t>(byte));
    };
    for (uint32_t service = 0; service < 4; service++) {
      append({kApply, 3, service << 4, random.below(128), service << 4 | kAddServer, 3, 1, service << 4 | kAddServer, 4,
              random.below(256), service << 4 | kAddServer, random.below(6), 1});
    }
    for (int i = 0; i < 1500; i++) {
      const uint32_t service = random.below(4), worker = random.below(2) << 7, server = random.below(4) + 2;
      const uint32_t client = random.below(6), target = service | worker;
      switch (random.below(32)) {
        case 0: append({kApply, 0, service << 4 | kAddServer, server, random.below(256)}); break;
        case 1: append({kApply, 0, service << 4 | kEditServer, server, random.below(256)}); break;
        case 2: append({kApply, 0, service << 4 | kDeleteServer, server}); break;
        case 3:
          if (random.oneIn(2)) append({kApply, 0, service << 4 | kCondition, server, random.below(256)});
          if (random.oneIn(4)) append({kApply, 0, service << 4 | random.below(4), random.below(256)});
          break;
        case 4: append({kPass, random.below(256)}); break;
        case 5: append({kExpire, random.below(2) | 4}); break;
        case 6:
          if (random.oneIn(4)) append({kTune, random.below(256)});
          if (random.oneIn(8)) append({kDefend, random.below(256), random.below(256)});
          break;
        case 7: append({kCollect}); break;
        case 8:
          if (random.oneIn(4)) append({kEnd, service << 4 | server});
          break;
        case 9:
          append({kFragments, worker, 0, client, random.below(256), random.below(12)});
          append({kReplyPieces, worker, server, 0, client, random.below(256), random.below(100)});
          break;
        case 10:
        case 11: append({kError, target, server, 0, client, random.below(256), random.below(80)}); break;
        case 12:
        case 13:
        case 14:
        case 15: append({kFtp, random.below(2) | worker, server, 0, client, random.below(256)}); break;
        case 16:
        case 17:
        case 18:
        case 19:
        case 20:
        case 21:
        case 22: append({kReply, target, server, 0, client, random.below(random.oneIn(4) ? 256 : 4)}); break;
        default: append({kSend, target, 0, client, random.below(random.oneIn(4) ? 8 : 2)}); break;
      }
    }
    if (!holdsFor(program, seed)) return;
  }
}

TEST("keeps its laws with a table that is always full") {
  for (uint64_t seed = 1; seed <= 25 / testing::kFewer; seed++) {
    Random random(seed);
    auto program = preparedProgram();
    for (int i = 0; i < 60; i++) {
      const auto service = static_cast<uint8_t>(random.below(3) | random.below(2) << 7);
      program.insert(program.end(), {kSendMany, service, static_cast<uint8_t>(random.next()),
                                     static_cast<uint8_t>(random.next()), static_cast<uint8_t>(random.below(3)), 0xff});
      if (random.oneIn(3)) {
        program.insert(program.end(),
                       {kApply, 0, static_cast<uint8_t>(random.next()), static_cast<uint8_t>(random.next()), 1});
      }
      if (random.oneIn(4)) program.insert(program.end(), {kExpire, static_cast<uint8_t>(random.below(8)), 20});
      if (random.oneIn(4)) program.insert(program.end(), {kPass, static_cast<uint8_t>(random.next())});
    }
    if (!holdsFor(program, seed)) return;
  }
}

TEST("keeps its laws while datagrams in many pieces overflow the outputs of a vector") {
  for (uint64_t seed = 1; seed <= 50 / testing::kFewer; seed++) {
    Random random(seed);
    auto program = preparedProgram();
    for (int i = 0; i < 60; i++) {
      const auto low = [&](uint32_t limit) { return static_cast<uint8_t>(random.below(limit)); };
      const auto worker = static_cast<uint8_t>(random.below(2) << 7);
      program.insert(program.end(), {kFragments, worker, 0, low(9), low(256), static_cast<uint8_t>(255 - low(40))});
      for (uint32_t answers = random.below(40); answers > 0; answers--)
        program.insert(program.end(), {kAnswered, worker, low(4), low(256), low(256)});
      if (random.oneIn(5)) program.insert(program.end(), {kPass, low(256)});
    }
    if (!holdsFor(program, seed)) return;
  }
}

}  // namespace
}  // namespace tunvs::director_property_test
