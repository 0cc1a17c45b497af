#include "director/protocol/tcp_state_two_sided.h"

#include <span>

#include "packet/parse.h"
#include "support/testing.h"

namespace tunvs::tcp_state_two_sided_test {
namespace {

using enum TcpState;

constexpr uint8_t kFlags[] = {kTcpSyn, kTcpFin, kTcpAck, kTcpRst, 0};

struct Row {
  TcpState now, onSyn, onFin, onAck, onRst;
};

const Row kClients[] = {
    {none, synRecv, close, established, close},
    {established, established, closeWait, established, close},
    {synSent, established, synSent, synSent, close},
    {synRecv, synRecv, timeWait, established, synRecv},
    {finWait, synRecv, timeWait, finWait, close},
    {timeWait, synRecv, timeWait, timeWait, close},
    {close, synRecv, close, close, close},
    {closeWait, synRecv, closeWait, closeWait, close},
    {lastAck, synRecv, lastAck, close, lastAck},
    {listen, synRecv, listen, listen, listen},
    {synAck, synRecv, timeWait, established, synRecv},
};
const Row kServers[] = {
    {none, synSent, timeWait, established, close},   {established, established, finWait, established, close},
    {synSent, synSent, synSent, synSent, synSent},   {synRecv, synRecv, timeWait, established, close},
    {finWait, synSent, finWait, finWait, close},     {timeWait, synSent, timeWait, timeWait, timeWait},
    {close, synSent, close, close, close},           {closeWait, synSent, timeWait, closeWait, close},
    {lastAck, synSent, lastAck, lastAck, close},     {listen, listen, listen, established, close},
    {synAck, synRecv, timeWait, established, close},
};

TEST("goes from state to state as an IPVS does that sees the packets of both sides") {
  const struct {
    Side side;
    std::span<const Row> rows;
  } tables[] = {{Side::client, kClients}, {Side::server, kServers}};
  for (const auto& table : tables) {
    CHECK_EQ(table.rows.size(), kTcpStates);
    for (const Row& row : table.rows) {
      CHECK(nextTcpState(row.now, tcpEventOf(kTcpSyn), false, table.side) == row.onSyn);
      CHECK(nextTcpState(row.now, tcpEventOf(kTcpFin), false, table.side) == row.onFin);
      CHECK(nextTcpState(row.now, tcpEventOf(kTcpAck), false, table.side) == row.onAck);
      CHECK(nextTcpState(row.now, tcpEventOf(kTcpRst), false, table.side) == row.onRst);
      CHECK(nextTcpState(row.now, tcpEventOf(0), false, table.side) == close);
    }
  }
}

TEST("lets only the server finish a handshake with secure_tcp, and otherwise goes where it goes without it") {
  const struct {
    Side side;
    TcpState now;
    uint8_t flags;
    TcpState next;
  } different[] = {
      {Side::client, synRecv, kTcpAck, synRecv}, {Side::client, synAck, kTcpSyn, synAck},
      {Side::client, synAck, kTcpFin, synAck},   {Side::client, synAck, kTcpAck, synAck},
      {Side::client, synAck, kTcpRst, close},    {Side::server, synRecv, kTcpSyn, synAck},
      {Side::server, synAck, kTcpSyn, synAck},
  };
  for (const Side side : {Side::client, Side::server}) {
    for (size_t i = 0; i < kTcpStates; i++) {
      const auto now = static_cast<TcpState>(i);
      for (const uint8_t flags : kFlags) {
        TcpState expected = nextTcpState(now, tcpEventOf(flags), false, side);
        for (const auto& row : different) {
          if (row.side == side && row.now == now && row.flags == flags) expected = row.next;
        }
        CHECK(nextTcpState(now, tcpEventOf(flags), true, side) == expected);
      }
    }
  }
}

TEST("keeps to the client's own table when the server's packets are not seen") {
  for (const bool isSecured : {false, true}) {
    for (size_t i = 0; i < kTcpStates; i++) {
      const auto now = static_cast<TcpState>(i);
      for (const uint8_t flags : kFlags) {
        const TcpEvent event = tcpEventOf(flags);
        CHECK(nextTcpState(now, event, isSecured, Side::clientOnly) == nextTcpState(now, event, isSecured));
      }
    }
  }
}

// As nat-ftp.json shows it: the server sends the SYN of an active data connection, and the client answers.
TEST("leads an expected connection from LISTEN to ESTABLISHED, whoever opens it") {
  TcpState state = nextTcpState(listen, TcpEvent::syn, false, Side::server);
  CHECK(state == listen);
  state = nextTcpState(state, TcpEvent::syn, false, Side::client);
  CHECK(state == synRecv);
  CHECK(nextTcpState(state, TcpEvent::ack, false, Side::server) == established);
  CHECK(nextTcpState(state, TcpEvent::ack, false, Side::client) == established);
}

}  // namespace
}  // namespace tunvs::tcp_state_two_sided_test
