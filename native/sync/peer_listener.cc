#include "sync/peer_listener.h"

#include <algorithm>

#include "core/inet.h"

namespace tunvs {
namespace {

// Clocks give no such number, and after it there is room for those who have to take a greater one.
constexpr uint64_t kMostSession = uint64_t{1} << 63;

}  // namespace

std::optional<SyncRefusal> PeerListener::take(std::span<const uint8_t> datagram, const PeerAddress& from,
                                              uint64_t nowMs, const Apply& apply) {
  PeerDatagram read;
  if (const auto refusal = readPeer(seal_, datagram, read)) return refusal;
  const bool isHello = read.kind == PeerKind::hello, isBulk = read.kind == PeerKind::bulk;
  const bool isBeat = read.kind == PeerKind::beat;
  if (!isHello && !isBulk && !isBeat && read.kind != PeerKind::records) return SyncRefusal::peerCut;
  const auto isOf = [&](const Session& session) {
    return session.own != 0 && read.to == session.own && read.from == session.master;
  };
  // Nothing is transferred before a session has begun.
  const bool isExpected =
      isHello ? read.from != 0 && read.from < kMostSession : isOf(current_) || (isOf(candidate_) && !isBulk);
  if (!isExpected) return SyncRefusal::sessionOther;
  if (!seal_.holds(datagram)) return SyncRefusal::sealWrong;
  if (isHello) return answerHello(read, from);
  if (!isOf(current_)) begin(std::exchange(candidate_, {}), isBeat ? read.sequence : read.sequence - 1, nowMs);
  if (isBeat) {
    if (const auto refusal = takeBeat(read)) return refusal;
  } else if (!isBulk && !window_.take(read.sequence)) {
    return SyncRefusal::replayed;
  }
  if (isBulk && !takeBulk(read, nowMs, apply)) return std::nullopt;
  heardMs_ = nowMs;
  wasHeard_ = true;
  home_ = from;
  if (isBeat) {
    sendStatus(nowMs);
  } else if (!isBulk) {
    counts_.messages++;
    isStatusDue_ = true;
    give(read.body, false, apply);
  }
  return std::nullopt;
}

std::optional<SyncRefusal> PeerListener::answerHello(const PeerDatagram& hello, const PeerAddress& from) {
  if (syncid_ != 0 && hello.body[0] != syncid_) return SyncRefusal::syncidOther;
  // Nobody has proven yet that a candidate is more than a hello.
  const uint64_t newest = current_.master;
  uint64_t own = 0;
  if (hello.from == current_.master) {
    own = current_.own;
  } else if (hello.from == candidate_.master) {
    own = candidate_.own;
  } else if (hello.from > newest) {
    candidate_ = {hello.from, std::max<uint64_t>(random_(), 1)};  // 0 would say that there is no session
    own = candidate_.own;
  }
  uint8_t body[8];
  storeBe64(body, newest);
  send_(writePeer(seal_, PeerKind::welcome, own, hello.from, 0, body), from);
  return std::nullopt;
}

void PeerListener::begin(const Session& session, uint64_t newest, uint64_t nowMs) {
  lostBefore_ += window_.lost();
  current_ = session;
  // The transfer has what was told before.
  window_ = SequenceWindow(newest);
  beats_ = 0;
  beatSaid_ = newest;
  statuses_ = 0;
  counts_.sessions++;
  transfer_ = 0;
  beginTransfer(nowMs);
}

std::optional<SyncRefusal> PeerListener::takeBeat(const PeerDatagram& datagram) {
  const uint64_t number = loadBe64(datagram.body.data());
  if (number <= beats_) return SyncRefusal::replayed;
  beats_ = number;
  window_.settle(std::min(beatSaid_, datagram.sequence));
  beatSaid_ = std::max(beatSaid_, datagram.sequence);
  return std::nullopt;
}

bool PeerListener::takeBulk(const PeerDatagram& datagram, uint64_t nowMs, const Apply& apply) {
  const BulkBody bulk = readBulkBody(datagram.body);
  const uint64_t number = datagram.sequence;
  const bool isWanted = bulk.transfer == transfer_ && !hasAll_ && number > bulkTaken_;
  const bool isNext = isWanted && number == bulkTaken_ + 1;
  const bool isAhead = isWanted && !isNext && number <= bulkTaken_ + PeerTeller::kWindow && !held_.contains(number) &&
                       heldBytes_ + datagram.body.size() <= kHeldBytes;
  if (isAhead) {
    held_.emplace(number, std::vector<uint8_t>(datagram.body.begin(), datagram.body.end()));
    heldBytes_ += datagram.body.size();
  }
  if (!isNext) {
    // The master has missed a status, or a message before this one is missing.
    if (nowMs - statusMs_ >= kAckMs) sendStatus(nowMs);
    return isAhead;
  }
  const uint64_t before = bulkTaken_;
  takeInOrder(datagram.body, nowMs, apply);
  for (auto next = held_.find(bulkTaken_ + 1); next != held_.end(); next = held_.find(bulkTaken_ + 1)) {
    const std::vector<uint8_t> body = std::move(next->second);
    held_.erase(next);
    heldBytes_ -= body.size();
    takeInOrder(body, nowMs, apply);
  }
  if (hasAll_ || bulkTaken_ / kBulkPerStatus != before / kBulkPerStatus) {
    sendStatus(nowMs);
  } else {
    isStatusDue_ = true;
  }
  return true;
}

void PeerListener::takeInOrder(std::span<const uint8_t> body, uint64_t nowMs, const Apply& apply) {
  bulkTaken_++;
  counts_.messages++;
  const auto message = body.subspan(BulkBody::kBytes);
  if (!message.empty()) give(message, true, apply);
  if (!readBulkBody(body).isLast) return;
  hasAll_ = true;
  endedMs_ = nowMs;
  counts_.transfers++;
}

void PeerListener::give(std::span<const uint8_t> message, bool isTransfer, const Apply& apply) {
  if (!apply(message, isTransfer, hasAll_ ? 0 : transfer_)) hasRoom_ = false;
}

void PeerListener::beginTransfer(uint64_t nowMs) {
  transfer_++;
  bulkTaken_ = 0;
  held_.clear();
  heldBytes_ = 0;
  hasAll_ = false;
  hasRoom_ = true;
  lostAtBegin_ = window_.lost();
  beganMs_ = nowMs;
}

std::optional<uint64_t> PeerListener::againAtMs() const {
  const bool hasLost = window_.lost() != lostAtBegin_;
  if (!hasAll_ || (hasRoom_ && !hasLost)) return std::nullopt;
  // A transfer that takes long is not asked for all the time.
  return endedMs_ + std::max(hasLost ? kAgainMs : kNoRoomAgainMs, 4 * (endedMs_ - beganMs_));
}

void PeerListener::turn(uint64_t nowMs) {
  if (current_.own == 0) return;
  if (const auto again = againAtMs(); again && nowMs >= *again) {
    beginTransfer(nowMs);
    sendStatus(nowMs);
  }
  if (isStatusDue_ && nowMs - statusMs_ >= kStatusMs) sendStatus(nowMs);
}

std::optional<uint64_t> PeerListener::waitMs(uint64_t nowMs) const {
  std::optional<uint64_t> at = againAtMs();
  if (isStatusDue_) at = std::min(at.value_or(UINT64_MAX), statusMs_ + kStatusMs);
  if (!at) return std::nullopt;
  return *at > nowMs ? *at - nowMs : 0;
}

void PeerListener::sendStatus(uint64_t nowMs) {
  statusMs_ = nowMs;
  isStatusDue_ = false;
  const StatusBody body{
      std::max(window_.newest(), beatSaid_), window_.lost(), bulkTaken_, transfer_, isCaughtUp(), !held_.empty()};
  send_(writePeer(seal_, PeerKind::status, current_.own, current_.master, ++statuses_, writeStatusBody(body)), home_);
}

PeerListener::Report PeerListener::report(uint64_t nowMs) const {
  Report report = counts_;
  report.isCaughtUp = current_.own != 0 && isCaughtUp();
  report.lost = lostBefore_ + window_.lost();
  if (wasHeard_) report.heardMsAgo = nowMs - heardMs_;
  const bool isHere = wasHeard_ && nowMs - heardMs_ < kAwayMs;
  report.state = !isHere ? PeerState::away : report.isCaughtUp ? PeerState::caughtUp : PeerState::transferring;
  return report;
}

}  // namespace tunvs
