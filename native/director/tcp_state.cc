#include "director/tcp_state.h"

namespace tunvs {
namespace {

using enum TcpState;

// Row: state now. Column: event syn, fin, ack, rst, none.
constexpr TcpState kNext[kTcpStates][static_cast<size_t>(TcpEvent::kCount)] = {
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
};

}  // namespace

TcpState nextTcpState(TcpState now, TcpEvent event) { return kNext[static_cast<size_t>(now)][static_cast<size_t>(event)]; }

}  // namespace tunvs
