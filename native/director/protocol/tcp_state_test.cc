#include "director/protocol/tcp_state.h"

#include "packet/parse.h"
#include "support/testing.h"

namespace tunvs::tcp_state_test {
namespace {

using enum TcpState;

TEST("goes from state to state as an IPVS does that sees only the client's packets") {
  const struct {
    TcpState now, onSyn, onFin, onAck, onRst;
  } table[] = {
      {none, synRecv, close, established, close},      {established, established, finWait, established, close},
      {synSent, established, synSent, synSent, close}, {synRecv, synRecv, timeWait, established, synRecv},
      {finWait, synRecv, finWait, finWait, close},     {timeWait, synRecv, timeWait, timeWait, close},
      {close, synRecv, close, close, close},           {closeWait, synRecv, closeWait, closeWait, close},
      {lastAck, synRecv, lastAck, close, lastAck},     {listen, synRecv, listen, listen, listen},
      {synAck, synRecv, timeWait, established, close},
  };
  CHECK_EQ(std::size(table), kTcpStates);
  for (const auto& row : table) {
    CHECK(nextTcpState(row.now, tcpEventOf(kTcpSyn)) == row.onSyn);
    CHECK(nextTcpState(row.now, tcpEventOf(kTcpFin)) == row.onFin);
    CHECK(nextTcpState(row.now, tcpEventOf(kTcpAck)) == row.onAck);
    CHECK(nextTcpState(row.now, tcpEventOf(kTcpRst)) == row.onRst);
    CHECK(nextTcpState(row.now, tcpEventOf(0)) == close);
  }
}

TEST("goes to SYNACK on a SYN with secure_tcp, and otherwise where it goes without it") {
  for (size_t i = 0; i < kTcpStates; i++) {
    const auto now = static_cast<TcpState>(i);
    for (const uint8_t flags : {kTcpFin, kTcpAck, kTcpRst, uint8_t{0}})
      CHECK(nextTcpState(now, tcpEventOf(flags), true) == nextTcpState(now, tcpEventOf(flags)));
    const bool isUnderWay = now == established || now == synSent;
    const TcpState expected = isUnderWay ? established : now == synRecv ? synRecv : synAck;
    CHECK(nextTcpState(now, tcpEventOf(kTcpSyn), true) == expected);
  }
}

TEST("looks at RST first, then SYN, then FIN, then ACK, and at no other flag") {
  for (size_t state = 0; state < kTcpStates; state++) {
    const auto now = static_cast<TcpState>(state);
    for (int flags = 0; flags < 256; flags++) {
      uint8_t decisive = 0;
      for (const uint8_t flag : {kTcpAck, kTcpFin, kTcpSyn, kTcpRst}) {
        if ((flags & flag) != 0) decisive = flag;
      }
      if (!CHECK(nextTcpState(now, tcpEventOf(static_cast<uint8_t>(flags))) == nextTcpState(now, tcpEventOf(decisive))))
        return;
    }
  }
}

TEST("counts half-open and established connections as active, and no others") {
  for (size_t i = 0; i < kTcpStates; i++) {
    const auto state = static_cast<TcpState>(i);
    CHECK_EQ(isActive(state), state == established || state == synSent || state == synRecv || state == synAck);
  }
}

TEST("has IPVS's names, numbers and timeouts") {
  const struct {
    int number;
    const char* name;
    uint32_t seconds;
  } table[] = {{0, "NONE", 2},       {1, "ESTABLISHED", 900}, {2, "SYN_SENT", 120}, {3, "SYN_RECV", 60},
               {4, "FIN_WAIT", 120}, {5, "TIME_WAIT", 120},   {6, "CLOSE", 10},     {7, "CLOSE_WAIT", 60},
               {8, "LAST_ACK", 30},  {9, "LISTEN", 120},      {10, "SYNACK", 120}};
  for (const auto& row : table) {
    CHECK_EQ(kTcpStateNames[row.number], row.name);
    CHECK_EQ(kTcpDefaultTimeouts[row.number], row.seconds);
  }
}

}  // namespace
}  // namespace tunvs::tcp_state_test
