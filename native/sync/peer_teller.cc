#include "sync/peer_teller.h"

#include <algorithm>
#include <utility>

#include "core/inet.h"

namespace tunvs {

void PeerTeller::send(const std::vector<uint8_t>& datagram) {
  if (!send_(datagram)) return;
  counts_.messages++;
  counts_.bytes += datagram.size();
}

void PeerTeller::tell(std::span<const uint8_t> message, uint64_t nowMs) {
  sequence_++;
  if (!isOpen()) return;
  if (unconfirmed_.size() < kSentMax) unconfirmed_.push_back({sequence_, nowMs});
  send(writePeer(seal_, PeerKind::records, session_, peer_, sequence_, {}, message));
}

void PeerTeller::sayHello(uint64_t nowMs) {
  const uint8_t body[4] = {syncid_};
  hasCalled_ = true;
  helloMs_ = nowMs;
  send(writePeer(seal_, PeerKind::hello, session_, 0, 0, body));
}

void PeerTeller::beat(uint64_t nowMs) {
  beatMs_ = nowMs;
  uint8_t body[8];
  storeBe64(body, ++beats_);
  send(writePeer(seal_, PeerKind::beat, session_, peer_, sequence_, body));
}

std::optional<SyncRefusal> PeerTeller::take(std::span<const uint8_t> datagram, uint64_t nowMs) {
  PeerDatagram read;
  if (const auto refusal = readPeer(seal_, datagram, read)) return refusal;
  const bool isWelcome = read.kind == PeerKind::welcome;
  if (!isWelcome && read.kind != PeerKind::status) return SyncRefusal::peerCut;
  if (read.to != session_ || (!isWelcome && (!isOpen() || read.from != peer_))) return SyncRefusal::sessionOther;
  if (!seal_.holds(datagram)) return SyncRefusal::sealWrong;
  if (!isWelcome) return hear(read, nowMs);
  welcome(read, nowMs);
  return std::nullopt;
}

void PeerTeller::welcome(const PeerDatagram& datagram, uint64_t nowMs) {
  if (isOpen()) return;
  if (datagram.from == 0) {
    // Somebody has been there with a clock that is ahead of ours.
    session_ = std::max(session_, std::min(loadBe64(datagram.body.data()), UINT64_MAX - 1)) + 1;
    return sayHello(nowMs);
  }
  peer_ = datagram.from;
  heardMs_ = nowMs;
  // A peer that was away for a while goes on where it was; one that was started again knows nothing.
  if (std::exchange(lastPeer_, peer_) != peer_) {
    heard_ = beats_ = 0;
    lostBefore_ += std::exchange(lostHere_, 0);
    unconfirmed_.clear();
    transfer_ = 0;
    dropAhead(ahead_.size());
    isWalkOver_ = true;
  }
  beat(nowMs);
}

std::optional<SyncRefusal> PeerTeller::hear(const PeerDatagram& datagram, uint64_t nowMs) {
  if (datagram.sequence <= heard_) return SyncRefusal::replayed;
  heard_ = datagram.sequence;
  heardMs_ = nowMs;
  const StatusBody status = readStatusBody(datagram.body);
  lostHere_ = std::max(lostHere_, status.lost);
  while (!unconfirmed_.empty() && unconfirmed_.front().sequence <= status.newest) unconfirmed_.pop_front();
  isCaughtUp_ = status.isCaughtUp;
  if (status.transfer > transfer_) {
    beginTransfer(status.transfer, nowMs);
  } else if (status.transfer == transfer_) {
    const uint64_t end = bulkFirst_ + ahead_.size();
    if (status.bulkTaken >= bulkFirst_ && status.bulkTaken < end) {
      const uint64_t taken = status.bulkTaken + 1 - bulkFirst_;
      dropAhead(taken);
      bulkFirst_ += taken;
      counts_.transferred += taken;
      progressMs_ = nowMs;
      resendMs_ = kResendMs;
      speedUp(taken);
    }
    if (status.isGap && !ahead_.empty() && resentFirst_ != bulkFirst_) {
      resentFirst_ = bulkFirst_;
      slowDown();
      sendAgain(nowMs);
    }
  }
  sendAhead();
  return std::nullopt;
}

void PeerTeller::beginTransfer(uint32_t transfer, uint64_t nowMs) {
  transfer_ = transfer;
  bulkFirst_ = 1;
  dropAhead(ahead_.size());
  isWalkOver_ = isWalkPaused_ = false;
  progressMs_ = nowMs;
  resendMs_ = kResendMs;
  resentFirst_ = 0;
  window_ = kFirstWindow;
  threshold_ = kWindow;
  counts_.transfers++;
  walk_.begin();
}

void PeerTeller::dropAhead(size_t datagrams) {
  for (size_t i = 0; i < datagrams; i++) {
    aheadBytes_ -= ahead_.front().size();
    ahead_.pop_front();
  }
}

void PeerTeller::sendAhead() {
  isWalkPaused_ = false;
  while (!isWalkOver_ && ahead_.size() < window_ && aheadBytes_ < kWindowBytes) {
    const std::optional<std::vector<uint8_t>> message = walk_.next();
    isWalkPaused_ = !message.has_value();
    if (isWalkPaused_) return;
    isWalkOver_ = message->empty();
    const auto body = writeBulkBody({transfer_, isWalkOver_});
    ahead_.push_back(writePeer(seal_, PeerKind::bulk, session_, peer_, bulkFirst_ + ahead_.size(), body, *message));
    aheadBytes_ += ahead_.back().size();
    send(ahead_.back());
  }
}

// Sends the first again that is missing: the peer keeps what comes behind it.
void PeerTeller::sendAgain(uint64_t nowMs) {
  progressMs_ = nowMs;
  send(ahead_.front());
  counts_.resent++;
}

void PeerTeller::slowDown() {
  threshold_ = window_ = std::max(kLeastWindow, window_ / 2);
  grown_ = 0;
}

void PeerTeller::speedUp(uint64_t taken) {
  if (window_ < threshold_) {
    window_ = std::min({window_ + taken, threshold_, kWindow});
    return;
  }
  grown_ += taken;
  if (grown_ < window_ || window_ >= kWindow) return;
  grown_ = 0;
  window_++;
}

void PeerTeller::turn(uint64_t nowMs) {
  if (isOpen() && nowMs - heardMs_ >= kAwayMs) {
    peer_ = 0;
    isCaughtUp_ = false;
    hasCalled_ = false;
  }
  if (!isOpen()) {
    if (!hasCalled_ || nowMs - helloMs_ >= kHelloMs) sayHello(nowMs);
    return;
  }
  if (!ahead_.empty() && nowMs - progressMs_ >= resendMs_) {
    resendMs_ = std::min(2 * resendMs_, kMostResendMs);
    slowDown();
    sendAgain(nowMs);
  }
  sendAhead();
  if (nowMs - beatMs_ >= kBeatMs) beat(nowMs);
}

uint64_t PeerTeller::waitMs(uint64_t nowMs) const {
  const auto left = [nowMs](uint64_t since, uint64_t wait) {
    return nowMs - since >= wait ? uint64_t{0} : wait - (nowMs - since);
  };
  if (!isOpen()) return hasCalled_ ? left(helloMs_, kHelloMs) : 0;
  uint64_t wait = std::min(left(beatMs_, kBeatMs), left(heardMs_, kAwayMs));
  if (!ahead_.empty()) wait = std::min(wait, left(progressMs_, resendMs_));
  if (isWalkPaused_) wait = 0;
  return wait;
}

PeerTeller::Report PeerTeller::report(uint64_t nowMs) const {
  Report report = counts_;
  report.state = !isOpen() ? PeerState::away : isCaughtUp_ ? PeerState::caughtUp : PeerState::transferring;
  report.lost = lostBefore_ + lostHere_;
  if (!unconfirmed_.empty()) report.lagMs = nowMs - unconfirmed_.front().atMs;
  return report;
}

}  // namespace tunvs
