// A master's and a backup's side of a pair of peers, with a network between them that loses, doubles, delays and keeps
// datagrams, and in which somebody may send what was sent before.
//
// What the master has is a set of numbers: a message is one of them. So a test sees which have come, and how often.
//
// Thread safety: none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/random.h"
#include "support/raw_bytes.h"
#include "sync/peer_listener.h"
#include "sync/peer_teller.h"

namespace tunvs::testing {

class PeerLink {
 public:
  struct Network {
    uint32_t lossPercent = 0, doublePercent = 0, delayMs = 0;  // a datagram takes [0, delayMs] longer
    uint32_t tripMs = 0;                                       // and as long at least
    // How many bytes go to the backup in a millisecond, and how many may wait; 0: any.
    uint32_t bytesPerMs = 0, queueBytes = 0;
  };
  inline static const std::vector<std::string> kKeys = {"a key of a test, of thirty bytes"};
  inline static const PeerAddress kHome{IpAddress::v4(192, 0, 2, 1), 4711};

  explicit PeerLink(uint64_t seed, std::vector<std::string> keys = kKeys)
      : random_(seed), keys_(std::move(keys)), seal_(keys_) {
    restartMaster();
    restartBackup();
  }

  void restartMaster(uint64_t session = 0) {
    if (session == 0) session = 1000 + nowMs;
    teller = std::make_unique<PeerTeller>(7, seal_, session, walk_, [this](std::span<const uint8_t> datagram) {
      enqueue(true, datagram);
      return true;
    });
  }
  void restartBackup() {
    had.clear();
    listener = std::make_unique<PeerListener>(
        7, seal_, [this] { return random_.next(); },
        [this](std::span<const uint8_t> datagram, const PeerAddress& to) {
          if (to == kHome) enqueue(false, datagram);
        });
  }
  // The master has one more, and tells it.
  void tellOne() {
    walk_.all.push_back(++last_);
    teller->tell(messageOf(last_), nowMs);
  }
  // Time goes by, in which something is told now and then.
  void pass(uint64_t ms, uint32_t tellings = 0) {
    for (uint64_t i = 0; i < ms; i++) {
      nowMs++;
      for (uint32_t each = 0; each < tellings; each++) tellOne();
      deliver();
      teller->turn(nowMs);
      listener->turn(nowMs);
    }
  }
  std::optional<SyncRefusal> toBackup(std::span<const uint8_t> datagram, const PeerAddress& from = kHome) {
    const Exact exact(datagram);
    return listener->take(exact.span(), from, nowMs, [this](std::span<const uint8_t> message, bool, uint32_t) {
      if (message.size() == 8) had[loadBe64(message.data())]++;
      return true;
    });
  }
  std::optional<SyncRefusal> toMaster(std::span<const uint8_t> datagram) {
    const Exact exact(datagram);
    return teller->take(exact.span(), nowMs);
  }
  bool hasAll() const { return had.size() == walk_.all.size(); }
  uint64_t told() const { return last_; }

  // Puts a number into the table without telling it.
  void addUntold() { walk_.all.push_back(++last_); }

  uint64_t nowMs = 1'000'000;
  Network network;
  bool isCut = false;                            // nothing comes through
  std::map<uint64_t, uint64_t> had;              // how often each number has come to the backup
  std::vector<std::pair<bool, Bytes>> recorded;  // all that was ever sent: whether to the backup, and what
  std::unique_ptr<PeerTeller> teller;
  std::unique_ptr<PeerListener> listener;

 private:
  static Bytes messageOf(uint64_t number) {
    Bytes message(8);
    storeBe64(message.data(), number);
    return message;
  }
  struct Walk final : PeerTeller::TableWalk {
    void begin() override { at = 0; }
    std::optional<std::vector<uint8_t>> next() override { return at < all.size() ? messageOf(all[at++]) : Bytes(); }
    std::vector<uint64_t> all;
    size_t at = 0;
  };

  void enqueue(bool isToBackup, std::span<const uint8_t> datagram) {
    recorded.emplace_back(isToBackup, bytesOf(datagram));
    if (isCut || random_.below(100) < network.lossPercent) return;
    uint64_t leavesMs = nowMs + network.tripMs;
    if (isToBackup && network.bytesPerMs != 0) {
      const double begins = std::max(freeMs_, static_cast<double>(nowMs));
      if ((begins - static_cast<double>(nowMs)) * network.bytesPerMs > network.queueBytes) return;
      freeMs_ = begins + static_cast<double>(datagram.size()) / network.bytesPerMs;
      leavesMs += static_cast<uint64_t>(freeMs_) - nowMs;
    }
    const int copies = random_.below(100) < network.doublePercent ? 2 : 1;
    for (int i = 0; i < copies; i++)
      onTheWay_.emplace(leavesMs + random_.below(network.delayMs + 1), std::pair(isToBackup, bytesOf(datagram)));
  }
  void deliver() {
    while (!onTheWay_.empty() && onTheWay_.begin()->first <= nowMs) {
      const auto [isToBackup, datagram] = std::move(onTheWay_.begin()->second);
      onTheWay_.erase(onTheWay_.begin());
      if (isCut) continue;
      if (isToBackup) {
        toBackup(datagram);
      } else {
        toMaster(datagram);
      }
    }
  }

  Random random_;
  std::vector<std::string> keys_;
  PeerSeal seal_;
  Walk walk_;
  uint64_t last_ = 0;
  double freeMs_ = 0;                                         // when the link to the backup has sent what waits
  std::multimap<uint64_t, std::pair<bool, Bytes>> onTheWay_;  // by time
};

}  // namespace tunvs::testing
