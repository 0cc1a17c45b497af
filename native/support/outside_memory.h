// Memory that outlives its directors, and the services of those that tests open on it.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "support/nat_director.h"

namespace tunvs::testing {

inline const ServiceKey kNat{IpAddress::v4(192, 0, 2, 20), 80, 6};

// Memory that outlives its directors, shared with child processes.
class Outside {
 public:
  explicit Outside(const DirectorOptions& options = TestDirector::defaultOptions())
      : options_(options),
        tableBytes_(Director::tableBytes(options)),
        noteBytes_(Director::noteBytes(options)),
        bytes_(tableBytes_ + noteBytes_ + ServerDirectory::bytes()) {
    void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) std::abort();
    base_ = static_cast<std::byte*>(at);
  }
  ~Outside() { ::munmap(base_, bytes_); }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

  Director::Memory memory(bool isOld) const {
    std::byte* const notes = base_ + tableBytes_;
    return {{base_, tableBytes_}, {notes + noteBytes_, ServerDirectory::bytes()}, {notes, noteBytes_}, isOld};
  }
  std::span<std::byte> bytes() const { return {base_, bytes_}; }
  // In front of the directory lie the tables, and then notes.
  size_t tableBytes() const { return tableBytes_; }
  size_t connectionBytes() const { return tableBytes_ + noteBytes_; }
  std::unique_ptr<TestDirector> open(bool isOld, Tick now = 0) const {
    DirectorOptions options = options_;
    options.now = now;
    return std::make_unique<TestDirector>(options, memory(isOld));
  }

 private:
  DirectorOptions options_;
  size_t tableBytes_, noteBytes_, bytes_;
  std::byte* base_;
};

inline void addServices(TestDirector& t, bool isInOtherOrder = false) {
  ServiceConfig persistent{"rr"};
  persistent.persistence.timeoutSeconds = 300;
  t.addService("rr", TestDirector::kWeb);
  t.addService(persistent, TestDirector::kNames);
  t.addService("rr", kNat);
  for (int i = 0; i < 3; i++) {
    const auto lastByte = static_cast<uint8_t>(11 + (isInOtherOrder ? 2 - i : i));
    t.addServer(lastByte, {}, TestDirector::kWeb);
    t.addServer(lastByte, {}, TestDirector::kNames);
    CHECK(t.apply(AddServer{kNat, {IpAddress::v4(10, 0, 0, lastByte), 8080}, NatDirector::natConfig()}).ok());
  }
}

inline Bytes toNat(uint16_t port, uint8_t flags) {
  return PacketBuilder().ip(NatDirector::kClient, kNat.address).tcp(port, 80, flags).build();
}

// Says what is wrong with what was taken over, or "".
inline std::string wrongWith(TestDirector& t) {
  if (const std::string broken = brokenNatLaw(t.director); !broken.empty()) return broken;
  int64_t counted = 0;
  for (const auto& service : t.rows()) {
    for (const auto& server : service.servers) counted += server.active + server.inactive;
  }
  const auto all = t.connections();
  const auto live = std::ranges::count_if(all, [](const auto& row) { return !row.isTemplate; });
  if (counted != live) return std::to_string(counted) + " are counted of " + std::to_string(live);
  return "";
}

}  // namespace tunvs::testing
