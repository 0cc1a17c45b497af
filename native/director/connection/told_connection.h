// What is known of a connection whose real server is told the client's address within it (packet/client_address.h).
//
// A server believes what it is told, so nobody but the director may say it. What that rests on is the number that the
// server itself gives to the client's first byte, in the SYN-ACK: the server takes data from there on. A client can
// begin several handshakes, and a server that remembers none of them (SYN cookies) lets it finish any, also one of a
// minute ago. So a client's packet goes on only while no other handshake could be finished by it, or by what follows:
//
//  - until the server has said something, the packet has to acknowledge the SYN-ACK that names this number;
//  - from then on the server has the connection, and finishes no other, until the connection has ended: after a RST of
//    either side, nothing goes on; when the server has acknowledged the client's FIN, or has ended by itself and taken
//    nothing for a while, nothing goes on that says something;
//  - nothing is acknowledged that the server has not said in this connection, or not yet, so that what has ended was
//    seen to end.
//
// What the server has just ended may be on its way here, so a packet that could finish a handshake by its numbers gets
// others that mean the same (Disguise).
//
// Another handshake takes its place where the client has not finished this one, or the server has shown that it has no
// connection any more. A SYN-ACK alone does not show that: it may be older than the connection. So nothing may be under
// way when the client's SYN comes, and nothing else goes on behind it.
//
// Thread safety: none; see ToldConnections.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/ticks.h"
#include "forward/tunnel_options.h"
#include "ftp/sequence_shift.h"

namespace tunvs {

class ToldConnection {
 public:
  ToldConnection() = default;
  explicit ToldConnection(ClientTold how) : how_(how) {}

  ClientTold how() const { return how_; }
  // How far the client's numbers move: not at all before the header is sent.
  const SequenceShift& shift() const { return shift_; }

  struct Segment {
    uint32_t sequence = 0, acknowledged = 0;
    uint32_t payloadBytes = 0;
    bool isSyn = false, isAck = false, isFin = false, isRst = false;

    uint32_t end() const { return sequence + payloadBytes + (isFin ? 1 : 0); }
  };

  // ---- of a connection that begins with a PROXY header ----

  enum class Step : uint8_t {
    forged,  // it could say something in the director's place
    plain,   // it goes on, with its number moved
    first,   // the header goes in front of it
  };
  // Takes note of what the client sends; the header has `headerBytes`.
  Step noteClient(const Segment& segment, size_t headerBytes, Tick now);
  // How a client's packet is to be changed that could finish a handshake. A packet without a payload may come from
  // ahead, within the window; its acknowledgement counts. One with a payload may acknowledge what was acknowledged
  // before.
  struct Disguise {
    uint32_t sequenceUp = 0, acknowledgedDown = 0;
  };
  // `sequence` is the number that the server sees.
  Disguise disguise(const Segment& segment, uint32_t sequence) const;
  // Takes note of what the server sends, but SYN-ACKs.
  void noteServer(const Segment& segment, Tick now);

  // ---- where it is kept ----

  using Words = std::array<uint32_t, 11>;
  Words words() const;
  // Returns nothing for words that are none. The header has `headerBytes`.
  static std::optional<ToldConnection> of(const Words& words, size_t headerBytes);

  // ---- of any connection ----

  // The client wants to begin anew: its first byte would have this number.
  void noteSyn(uint32_t first, Tick now);
  // The server has answered a SYN. Returns whether the client may see that: it could finish another handshake with it.
  bool noteSynAck(uint32_t sequence, uint32_t acknowledged, Tick now);
  bool isAnswered() const { return isAnswered_; }
  uint32_t first() const { return first_; }

 private:
  // A server that has ended by itself forgets the connection at some time; Linux does after 60 seconds.
  static constexpr uint32_t kForgets = ticksFromSeconds(30);
  // Nothing is under way between the director and a server for as long as this.
  static constexpr uint32_t kArrives = ticksFromSeconds(1);
  // A server of which nothing was heard for so long, though its client has begun anew, has been started again.
  static constexpr uint32_t kRestarts = ticksFromSeconds(60);
  // Numbers wrap around after four times as much.
  static constexpr uint32_t kFar = uint32_t{1} << 30;

  // The header is older than any number that is under way, so that all of them move alike.
  bool isSettled() const { return isHeaded_ && shift_.newest.removed == 0; }
  bool isAnswer(uint32_t number) const { return number == answers_[0] || number == answers_[1]; }
  bool maySay(const Segment& segment, Tick now) const;
  bool looksLikeCookie(uint32_t sequence, uint32_t acknowledged) const;
  // Tells whether a client can acknowledge this.
  bool isSaid(uint32_t acknowledged) const {
    if (!isConfirmed_) return isAnswer(acknowledged);
    return said_ - acknowledged <= (isFar_ ? kFar : said_ - answers_[0]);
  }
  bool mayBeginAnew(Tick now) const {
    const uint32_t rests = now - usedAt_;
    const bool hasEnded = !isFinished_ || isGone_ || (isEnding_ && isSilent_);
    return hasEnded ? rests >= kArrives : rests >= kRestarts;
  }

  ClientTold how_ = ClientTold::none;
  bool isAsked_ = false;      // the client has sent a SYN that may be answered
  bool isFinished_ = false;   // it has sent something else since the SYN-ACK
  bool isAnswered_ = false;   // the server has sent a SYN-ACK
  bool isConfirmed_ = false;  // the server has sent something else since
  bool isHeaded_ = false;     // the header is sent, and may come again
  bool isSilent_ = false;     // the client has said all that it had to say
  bool hasFin_ = false;       // the client has sent a FIN
  bool isEnding_ = false;     // the server has sent a FIN
  bool isOver_ = false;       // a RST was sent
  bool isGone_ = false;       // the server has had the connection, and has no more
  bool isFar_ = false;        // the server has said more than numbers can be compared over
  uint32_t asked_ = 0;        // the number of the client's first byte, by its newest SYN
  uint32_t first_ = 0;        // the same, by the server's word
  uint32_t finEnd_ = 0;       // the number behind the client's FIN
  uint32_t taken_ = 0;        // what the server has acknowledged, in the client's numbers
  uint32_t said_ = 0;         // the number behind all that the server has said
  Tick takenAt_ = 0, usedAt_ = 0;
  // What the client acknowledges of a SYN-ACK that names `first_`. A SYN that comes again may get another answer; once
  // the server has said more, both are that of this connection.
  std::array<uint32_t, 2> answers_{};
  SequenceShift shift_;

  // What words() puts into bits, in their order.
  static constexpr bool ToldConnection::*kFlags[] = {
      &ToldConnection::isAsked_,     &ToldConnection::isFinished_, &ToldConnection::isAnswered_,
      &ToldConnection::isConfirmed_, &ToldConnection::isHeaded_,   &ToldConnection::isSilent_,
      &ToldConnection::hasFin_,      &ToldConnection::isEnding_,   &ToldConnection::isOver_,
      &ToldConnection::isGone_,      &ToldConnection::isFar_};
};

}  // namespace tunvs
