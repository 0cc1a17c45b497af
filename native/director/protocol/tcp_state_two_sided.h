// TCP states as seen by a director that gets the packets of both sides. IPVS calls these tables INPUT (the client's
// packets) and OUTPUT (the server's).
#pragma once

#include "director/protocol/side.h"
#include "director/protocol/tcp_state.h"

namespace tunvs {

namespace tcp_state_detail {

// As kNext. A client's FIN leads to CLOSE_WAIT, a server's to FIN_WAIT, and the other one's to TIME_WAIT. A SYN_RECV
// ends with a RST of the server only: it refuses, while a RST of the client may be forged as the SYN was. LISTEN is a
// data connection of FTP that is expected.
inline constexpr TcpState kNextOfClient[kTcpStates][static_cast<size_t>(TcpEvent::kCount)] = {
    /* none        */ {synRecv, close, established, close, close},
    /* established */ {established, closeWait, established, close, close},
    /* synSent     */ {established, synSent, synSent, close, close},
    /* synRecv     */ {synRecv, timeWait, established, synRecv, close},
    /* finWait     */ {synRecv, timeWait, finWait, close, close},
    /* timeWait    */ {synRecv, timeWait, timeWait, close, close},
    /* close       */ {synRecv, close, close, close, close},
    /* closeWait   */ {synRecv, closeWait, closeWait, close, close},
    /* lastAck     */ {synRecv, lastAck, close, lastAck, close},
    /* listen      */ {synRecv, listen, listen, listen, close},
    /* synAck      */ {synRecv, timeWait, established, synRecv, close},
};
inline constexpr TcpState kNextOfServer[kTcpStates][static_cast<size_t>(TcpEvent::kCount)] = {
    /* none        */ {synSent, timeWait, established, close, close},
    /* established */ {established, finWait, established, close, close},
    /* synSent     */ {synSent, synSent, synSent, synSent, close},
    /* synRecv     */ {synRecv, timeWait, established, close, close},
    /* finWait     */ {synSent, finWait, finWait, close, close},
    /* timeWait    */ {synSent, timeWait, timeWait, timeWait, close},
    /* close       */ {synSent, close, close, close, close},
    /* closeWait   */ {synSent, timeWait, closeWait, close, close},
    /* lastAck     */ {synSent, lastAck, lastAck, close, close},
    /* listen      */ {listen, listen, established, close, close},
    /* synAck      */ {synRecv, timeWait, established, close, close},
};

// With secure_tcp, only an ACK of the server establishes a connection that a SYN began: a client's SYN and ACK can be
// sent blindly. The server's SYN-ACK leads to SYNACK, which a client's RST ends. Elsewhere the tables hold.
constexpr TcpState nextSecured(TcpState now, TcpEvent event, Side side) {
  if (side == Side::server) {
    const bool isAnswered = (now == synRecv || now == synAck) && event == TcpEvent::syn;
    return isAnswered ? synAck : kNextOfServer[static_cast<size_t>(now)][static_cast<size_t>(event)];
  }
  if (now == synRecv && event == TcpEvent::ack) return synRecv;
  if (now == synAck) return event == TcpEvent::rst || event == TcpEvent::none ? close : synAck;
  return kNextOfClient[static_cast<size_t>(now)][static_cast<size_t>(event)];
}

}  // namespace tcp_state_detail

// Returns the state after a packet of `side`.
constexpr TcpState nextTcpState(TcpState now, TcpEvent event, bool isSecured, Side side) {
  if (side == Side::clientOnly) return nextTcpState(now, event, isSecured);
  if (isSecured) [[unlikely]]
    return tcp_state_detail::nextSecured(now, event, side);
  const auto& next = side == Side::client ? tcp_state_detail::kNextOfClient : tcp_state_detail::kNextOfServer;
  return next[static_cast<size_t>(now)][static_cast<size_t>(event)];
}

}  // namespace tunvs
