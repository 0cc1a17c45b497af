#include "director/tcp_state.h"

#include "core/parse.h"

namespace tunvs {
namespace {

using enum TcpState;

enum Event { onSyn, onFin, onAck, onRst, kEvents };

// Row: state now. Column: event.
constexpr TcpState kNext[kTcpStates][kEvents] = {
    /* none        */ {synRecv, close, established, close},
    /* established */ {established, finWait, established, close},
    /* synSent     */ {established, synSent, synSent, close},
    /* synRecv     */ {synRecv, timeWait, established, synRecv},
    /* finWait     */ {synRecv, finWait, finWait, close},
    /* timeWait    */ {synRecv, timeWait, timeWait, close},
    /* close       */ {synRecv, close, close, close},
    /* closeWait   */ {synRecv, closeWait, closeWait, close},
    /* lastAck     */ {synRecv, lastAck, close, lastAck},
    /* listen      */ {synRecv, listen, listen, listen},
    /* synAck      */ {synRecv, timeWait, established, close},
};

}  // namespace

TcpState nextTcpState(TcpState now, uint8_t tcpFlags) {
  const auto& row = kNext[static_cast<size_t>(now)];
  if ((tcpFlags & kTcpRst) != 0) return row[onRst];
  if ((tcpFlags & kTcpSyn) != 0) return row[onSyn];
  if ((tcpFlags & kTcpFin) != 0) return row[onFin];
  if ((tcpFlags & kTcpAck) != 0) return row[onAck];
  return close;
}

}  // namespace tunvs
