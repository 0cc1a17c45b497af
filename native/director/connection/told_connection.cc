#include "director/connection/told_connection.h"

#include <algorithm>

namespace tunvs {

// The first word has these bits, behind them one for a shift that moves everything, and then how the server is told.
ToldConnection::Words ToldConnection::words() const {
  uint32_t bits = 0;
  for (size_t i = 0; i < std::size(kFlags); i++) bits |= static_cast<uint32_t>(this->*kFlags[i]) << i;
  bits |= static_cast<uint32_t>(isSettled()) << std::size(kFlags);
  return {bits | static_cast<uint32_t>(how_) << 16,
          asked_,
          first_,
          finEnd_,
          taken_,
          said_,
          takenAt_,
          usedAt_,
          answers_[0],
          answers_[1]};
}

std::optional<ToldConnection> ToldConnection::of(const Words& words, size_t headerBytes) {
  const uint32_t how = words[0] >> 16;
  if (how != static_cast<uint32_t>(ClientTold::toa) && how != static_cast<uint32_t>(ClientTold::proxy))
    return std::nullopt;
  if ((words[0] & 0xffff) >> (std::size(kFlags) + 1) != 0) return std::nullopt;
  ToldConnection told(static_cast<ClientTold>(how));
  for (size_t i = 0; i < std::size(kFlags); i++) told.*kFlags[i] = (words[0] >> i & 1) != 0;
  told.asked_ = words[1];
  told.first_ = words[2];
  told.finEnd_ = words[3];
  told.taken_ = words[4];
  told.said_ = words[5];
  told.takenAt_ = words[6];
  told.usedAt_ = words[7];
  told.answers_ = {words[8], words[9]};
  const bool isSettled = (words[0] >> std::size(kFlags) & 1) != 0;
  if (!told.isHeaded_) return isSettled ? std::nullopt : std::optional(told);
  if (told.how_ != ClientTold::proxy) return std::nullopt;
  if (isSettled) {
    told.shift_ = SequenceShift::everywhere(static_cast<uint32_t>(headerBytes));
  } else {
    told.shift_.record(told.first_, 1, static_cast<uint32_t>(1 + headerBytes));
  }
  return told;
}

void ToldConnection::noteSyn(uint32_t first, Tick now) {
  const bool isAgain = isAnswered_ && first == first_ && !isFinished_ && !isOver_;
  isAsked_ = !isAnswered_ || isAgain || mayBeginAnew(now);
  asked_ = first;
  if (isAnswered_ && isAsked_ && !isAgain) isOver_ = true;
}

bool ToldConnection::noteSynAck(uint32_t sequence, uint32_t acknowledged, Tick now) {
  const uint32_t answer = sequence + 1;
  const bool isKnown = isAnswered_ && acknowledged == first_;
  if (isKnown && isAnswer(answer)) return true;
  if (!isAsked_ || acknowledged != asked_) return false;
  if (isKnown && !isConfirmed_ && !isOver_) {
    answers_ = {answer, answers_[0]};
    return true;
  }
  *this = ToldConnection(how_);
  isAsked_ = isAnswered_ = true;
  asked_ = first_ = taken_ = acknowledged;
  answers_ = {answer, answer};
  said_ = answer;
  usedAt_ = now;
  return true;
}

// A SYN cookie is the client's number and what nobody knows, so that a client that knows one knows the others of the
// same minute: their distance is the same. The last bits say which of a few segment sizes the client takes.
bool ToldConnection::looksLikeCookie(uint32_t sequence, uint32_t acknowledged) const {
  constexpr uint32_t kSizes = 8;
  const auto fits = [&](uint32_t answer) { return acknowledged - sequence - (answer - first_) + kSizes <= 2 * kSizes; };
  return fits(answers_[0]) || fits(answers_[1]);
}

ToldConnection::Disguise ToldConnection::disguise(const Segment& segment, uint32_t sequence) const {
  // With the first number come the end of this handshake, and the header.
  if (segment.isSyn || segment.isRst || sequence == first_) return {};
  if (!looksLikeCookie(sequence, segment.acknowledged)) return {};
  if (segment.payloadBytes == 0 && !segment.isFin) return {.sequenceUp = 32};
  return {.acknowledgedDown = std::min<uint32_t>(32, segment.acknowledged - answers_[0])};
}

// A client says nothing any more that has ended. A server that has ended may have forgotten the connection by now. What
// comes from before the first byte would stand in the header's place.
bool ToldConnection::maySay(const Segment& segment, Tick now) const {
  if (isSilent_ || (isEnding_ && now - takenAt_ >= kForgets)) return false;
  return isSettled() || hasReached(segment.sequence, first_);
}

ToldConnection::Step ToldConnection::noteClient(const Segment& segment, size_t headerBytes, Tick now) {
  if (segment.isSyn) {
    if (segment.isAck || segment.payloadBytes != 0) return Step::forged;
    noteSyn(segment.sequence + 1, now);
    return Step::plain;
  }
  if (segment.isRst) {
    isOver_ = true;
    return Step::plain;
  }
  if (!isAnswered_ || isOver_ || !segment.isAck) return Step::forged;
  if (!isSaid(segment.acknowledged)) return Step::forged;
  if (!isConfirmed_ && !hasReached(segment.sequence, first_)) return Step::forged;
  const bool says = segment.payloadBytes != 0;
  if (says && !maySay(segment, now)) return Step::forged;
  isFinished_ = true;
  usedAt_ = now;
  if (says && !isHeaded_) {
    isHeaded_ = true;
    // The client's first byte becomes the header and that byte.
    shift_.record(first_, 1, static_cast<uint32_t>(1 + headerBytes));
  }
  if (segment.isFin && (!hasFin_ || hasReached(segment.end(), finEnd_))) {
    hasFin_ = true;
    finEnd_ = segment.end();
    if (!says && !isHeaded_ && segment.sequence == first_) isSilent_ = true;
  }
  return says && !isSettled() && segment.sequence == first_ ? Step::first : Step::plain;
}

void ToldConnection::noteServer(const Segment& segment, Tick now) {
  if (segment.isRst) {
    isOver_ = true;
    isGone_ = isConfirmed_;
  }
  if (!isAnswered_ || segment.isRst || !segment.isAck) return;
  // What the server says first has the number behind that of its SYN-ACK. Another one may be of a connection that it
  // had before.
  const uint32_t taken = shift_.back(segment.acknowledged);
  if (!isConfirmed_) {
    if (!isAnswer(segment.sequence) || taken - first_ >= 2 * kFar) return;
    isConfirmed_ = true;
    said_ = segment.sequence;
    answers_ = {said_, said_};
  }
  usedAt_ = now;
  if (hasReached(segment.end(), said_)) said_ = segment.end();
  if (said_ - answers_[0] >= kFar) isFar_ = true;
  if (!hasReached(taken_, taken)) {
    taken_ = taken;
    takenAt_ = now;
  }
  if (segment.isFin && !isEnding_) {
    isEnding_ = true;
    takenAt_ = now;
  }
  if (hasFin_ && taken == finEnd_) isSilent_ = true;
  const uint32_t said = taken - first_;
  if (isSettled() || !isHeaded_ || said < kFar || said >= 2 * kFar) return;
  // Before the header is too far behind for numbers that wrap around, it is behind all of them.
  shift_ = SequenceShift::everywhere(shift_.after);
}

}  // namespace tunvs
