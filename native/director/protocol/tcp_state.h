// TCP states as seen by a director that gets only the client's packets, with IPVS's numbers, names and timeouts.
// tcp_state_two_sided.h has the tables of one that gets both sides' packets.
#pragma once

#include <cstdint>
#include <string_view>

#include "packet/transport_event.h"

namespace tunvs {

enum class TcpState : uint8_t {
  none,
  established,
  synSent,
  synRecv,
  finWait,
  timeWait,
  close,
  closeWait,
  lastAck,
  listen,
  synAck,
  kCount,
};
inline constexpr size_t kTcpStates = static_cast<size_t>(TcpState::kCount);

inline constexpr std::string_view kTcpStateNames[kTcpStates] = {"NONE",     "ESTABLISHED", "SYN_SENT", "SYN_RECV",
                                                                "FIN_WAIT", "TIME_WAIT",   "CLOSE",    "CLOSE_WAIT",
                                                                "LAST_ACK", "LISTEN",      "SYNACK"};

// In seconds.
inline constexpr uint32_t kTcpDefaultTimeouts[kTcpStates] = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};

// Tells whether such connections count as a server's active ones, not as inactive ones.
constexpr bool isActive(TcpState state) {
  return state == TcpState::established || state == TcpState::synSent || state == TcpState::synRecv ||
         state == TcpState::synAck;
}

namespace tcp_state_detail {

using enum TcpState;

// Rows are current states, columns are the events syn, fin, ack, rst, none. The second table is that of secure_tcp: a
// SYN leads to SYNACK in place of SYN_RECV, which a RST can end and drop_entry can tell apart.
inline constexpr TcpState kNext[2][kTcpStates][static_cast<size_t>(TcpEvent::kCount)] = {
    {
        /* none        */ {synRecv, close, established, close, close},
        /* established */ {established, finWait, established, close, close},
        /* synSent     */ {established, synSent, synSent, close, close},
        /* synRecv     */ {synRecv, timeWait, established, synRecv, close},
        /* finWait     */ {synRecv, finWait, finWait, close, close},
        /* timeWait    */ {synRecv, timeWait, timeWait, close, close},
        /* close       */ {synRecv, close, close, close, close},
        /* closeWait   */ {synRecv, closeWait, closeWait, close, close},
        /* lastAck     */ {synRecv, lastAck, close, lastAck, close},
        /* listen      */ {synRecv, listen, listen, listen, close},
        /* synAck      */ {synRecv, timeWait, established, close, close},
    },
    {
        /* none        */ {synAck, close, established, close, close},
        /* established */ {established, finWait, established, close, close},
        /* synSent     */ {established, synSent, synSent, close, close},
        /* synRecv     */ {synRecv, timeWait, established, synRecv, close},
        /* finWait     */ {synAck, finWait, finWait, close, close},
        /* timeWait    */ {synAck, timeWait, timeWait, close, close},
        /* close       */ {synAck, close, close, close, close},
        /* closeWait   */ {synAck, closeWait, closeWait, close, close},
        /* lastAck     */ {synAck, lastAck, close, lastAck, close},
        /* listen      */ {synAck, listen, listen, listen, close},
        /* synAck      */ {synAck, timeWait, established, close, close},
    }};

}  // namespace tcp_state_detail

// Returns the state after a client's packet, if the server's are not seen.
constexpr TcpState nextTcpState(TcpState now, TcpEvent event, bool isSecured = false) {
  const auto row = static_cast<size_t>(now), column = static_cast<size_t>(event);
  if (isSecured) [[unlikely]]
    return tcp_state_detail::kNext[1][row][column];
  return tcp_state_detail::kNext[0][row][column];
}

}  // namespace tunvs
