#include "director/connection/told_connection.h"

namespace tunvs {
namespace {

// Numbers wrap around after four times as much.
constexpr uint32_t kSettledBytes = uint32_t{1} << 30;

}  // namespace

void ToldConnection::noteSyn(uint32_t first) {
  isAsked_ = true;
  asked_ = first;
}

bool ToldConnection::noteSynAck(uint32_t sequence, uint32_t acknowledged) {
  const uint32_t answer = sequence + 1;
  const bool isKnown = isAnswered_ && acknowledged == first_;
  if (isKnown && isAnswer(answer)) return true;
  // A server that has the connection does not answer a SYN. Nor is it the answer to one that a later packet of the
  // client's has overtaken: the server may have taken that.
  if (!isAsked_ || acknowledged != asked_) return false;
  if (isKnown) {
    answers_ = {answer, answers_[0]};
    return true;
  }
  const ClientTold how = how_;
  *this = ToldConnection(how);
  isAsked_ = isAnswered_ = true;
  asked_ = first_ = acknowledged;
  answers_ = {answer, answer};
  return true;
}

ToldConnection::Step ToldConnection::noteClient(const Segment& segment, size_t headerBytes) {
  if (segment.isSyn) {
    if (segment.isAck || segment.payloadBytes != 0) return Step::forged;
    noteSyn(segment.sequence + 1);
    return Step::plain;
  }
  if (segment.isRst) return Step::plain;
  if (!isAnswered_) return Step::forged;
  if (!isConfirmed_) {
    const bool isOfThis = segment.isAck && isAnswer(segment.acknowledged) && hasReached(segment.sequence, first_);
    if (!isOfThis) return Step::forged;
  }
  const bool says = segment.payloadBytes != 0;
  if (says && !isSettled() && (isSilent_ || !hasReached(segment.sequence, first_))) return Step::forged;
  isAsked_ = false;
  if (says && !isHeaded_) {
    isHeaded_ = true;
    // The client's first byte becomes the header and that byte.
    shift_.record(first_, 1, static_cast<uint32_t>(1 + headerBytes));
  }
  if (segment.isFin && !says && !isHeaded_ && segment.sequence == first_) isSilent_ = true;
  return says && !isSettled() && segment.sequence == first_ ? Step::first : Step::plain;
}

void ToldConnection::noteServer(uint32_t acknowledged) {
  if (!isAnswered_ || isSettled()) return;
  const uint32_t said = shift_.back(acknowledged) - first_;
  if (said < 2 * kSettledBytes) isConfirmed_ = true;
  if (!isHeaded_ || said < kSettledBytes || said >= 2 * kSettledBytes) return;
  // Before the header is too far behind for numbers that wrap around, it is behind all of them.
  const uint32_t by = shift_.after;
  shift_ = {{0, 0, by}, {0, 0, by}, by};
}

}  // namespace tunvs
