// What is known of a connection whose real server is told the client's address within it (packet/client_address.h).
//
// A server believes what it is told, so nobody but the director may say it. What that rests on is the number that the
// server itself gives to the client's first byte, in the SYN-ACK: the server takes data from there on. A client can
// begin several handshakes, and a server that remembers none of them (SYN cookies) lets it finish any, also one of long
// ago. So until the server has acknowledged something, a client's packet has to acknowledge a SYN-ACK that names this
// number: with that, it can finish no other handshake.
//
// Thread safety: none; see ToldConnections.
#pragma once

#include <array>
#include <cstdint>

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

  // ---- of a connection that begins with a PROXY header ----

  // What a client's segment says.
  struct Segment {
    uint32_t sequence = 0, acknowledged = 0;
    uint32_t payloadBytes = 0;
    bool isSyn = false, isAck = false, isFin = false, isRst = false;
  };
  enum class Step : uint8_t {
    forged,  // it could say something in the director's place
    plain,   // it goes on, with its number moved
    first,   // the header goes in front of it
  };
  // Takes note of what the client sends; the header has `headerBytes`.
  Step noteClient(const Segment& segment, size_t headerBytes);
  // Takes note of what the server sends, but SYN-ACKs.
  void noteServer(uint32_t acknowledged);

  // ---- of any connection ----

  // The client wants to begin anew: its first byte would have this number.
  void noteSyn(uint32_t first);
  // The server has answered a SYN. Returns whether the client may see that: it could finish another handshake with it.
  bool noteSynAck(uint32_t sequence, uint32_t acknowledged);
  bool isAnswered() const { return isAnswered_; }
  uint32_t first() const { return first_; }

 private:
  // The header is older than any number that is under way, so that all of them move alike.
  bool isSettled() const { return isHeaded_ && shift_.newest.removed == 0; }
  bool isAnswer(uint32_t acknowledged) const { return acknowledged == answers_[0] || acknowledged == answers_[1]; }

  ClientTold how_ = ClientTold::none;
  bool isAsked_ = false;      // the client's newest SYN may be answered
  bool isAnswered_ = false;   // the server has sent a SYN-ACK
  bool isConfirmed_ = false;  // the server has sent something else since
  bool isHeaded_ = false;     // the header is sent, and may come again
  bool isSilent_ = false;     // the client has ended without a word
  uint32_t asked_ = 0;        // the number of the client's first byte, by its newest SYN
  uint32_t first_ = 0;        // the same, by the server's word
  // What the client acknowledges of a SYN-ACK that names `first_`. A SYN that comes again may get another answer.
  std::array<uint32_t, 2> answers_{};
  SequenceShift shift_;
};

}  // namespace tunvs
