// SCTP states as seen by a director that gets the packets of both sides. The rules below follow an association as RFC
// 9260 sections 4, 5 and 9 set one up and shut one down, under IPVS's names. A recording of a real IPVS shows 29 of the
// 280 cells of the tables; states_golden_test.cc lists them. For the others the reason is given here, and where the RFC
// leaves room (a packet that no endpoint in order sends), IPVS's choice is taken, so that states mean the same to other
// directors.
#include <array>
#include <initializer_list>
#include <span>

#include "director/protocol/sctp_state.h"

namespace tunvs {
namespace sctp_two_sided {
namespace {

using enum SctpState;
using Event = SctpEvent;

using States = uint16_t;  // a bit for each
static_assert(kSctpStates <= 16);

constexpr States bitOf(SctpState state) { return static_cast<States>(1u << static_cast<unsigned>(state)); }
constexpr States statesOf(std::initializer_list<SctpState> states) {
  States bits = 0;
  for (const SctpState state : states) bits |= bitOf(state);
  return bits;
}

// The client has asked; INIT1 turns to INIT when it asks again.
constexpr States kAsked = statesOf({init1, init});
// The client sets the association up: its INIT, the server's INIT ACK, its COOKIE ECHO have passed.
constexpr States kByClient = kAsked | statesOf({cookieSent, cookieReplied});
// The server sets it up: its INIT, the client's INIT ACK, its COOKIE ECHO have passed.
constexpr States kByServer = statesOf({cookieWait, cookie, cookieEchoed});
constexpr States kNone = bitOf(none), kAny = (1u << kSctpStates) - 1;

// A packet leads from these states to that one. It leaves all others as they are.
struct Rule {
  Event event;
  States from;
  SctpState to;
};

// From `none`, a packet leads where it would in the middle of an association that another director had.
constexpr Rule kOfClient[] = {
    {Event::data, kNone, established},
    {Event::init, kNone, init1},
    {Event::init, kAsked | statesOf({rejected, closed}), init},
    // An INIT of the server has passed, or has come by another way.
    {Event::initAck, kNone | kAsked, cookieWait},
    {Event::initAck, bitOf(cookieWait), cookie},
    {Event::cookieEcho, kNone | bitOf(cookieSent), cookieReplied},
    // The client has got an INIT ACK that the director has not. Its association counts from the COOKIE ACK on.
    {Event::cookieEcho, kAsked, init},
    {Event::cookieAck, kNone | bitOf(cookieEchoed), established},
    // A SHUTDOWN out of place waits for one that is in place (section 9.2 lets the peer discard it).
    {Event::shutdown, kNone | bitOf(established), shutdownReceived},
    // The server has sent SHUTDOWN, or both have (section 9.2: then SHUTDOWN ACK crosses SHUTDOWN ACK).
    {Event::shutdownAck, kNone | statesOf({shutdownSent, shutdownAckSent}), closed},
    // This answers for the association before, as the new one is asked for (section 8.5.1, rule E).
    {Event::shutdownAck, kAsked, init},
    {Event::shutdownComplete, kNone | kAsked | bitOf(shutdownAckSent), closed},
    // A client that refuses a cookie sends ERROR in place of COOKIE ACK (section 5.2.6: a stale cookie).
    {Event::error, kNone | bitOf(cookieEchoed), closed},
    {Event::abort, static_cast<States>(kAny & ~bitOf(cookieWait)), closed},
    {Event::abort, bitOf(cookieWait), rejected},  // it refuses the server's INIT (section 5.1)
};
constexpr Rule kOfServer[] = {
    {Event::data, kNone, established},
    // A restart keeps an association established (section 5.2); anything else begins anew by the server's wish, also
    // when INITs cross (section 5.2.1). Then COOKIE ACK of either side establishes it.
    {Event::init, static_cast<States>(kAny & ~bitOf(established)), cookieWait},
    {Event::initAck, kNone | kAsked, cookieSent},
    {Event::cookieEcho, kNone | kByClient | kByServer, cookieEchoed},
    {Event::cookieAck, kNone | kByClient | kByServer, established},
    {Event::shutdown, kNone | kByClient | kByServer | bitOf(established), shutdownSent},
    // A server that still shuts an association down answers an INIT so (section 9.2), and a SHUTDOWN always.
    {Event::shutdownAck, kNone | kByClient | statesOf({shutdownSent, shutdownReceived}), shutdownAckSent},
    // The association has been closed by the client's SHUTDOWN ACK before. So only an unknown one changes.
    {Event::shutdownComplete, kNone, closed},
    {Event::error, kNone | kByClient, closed},  // it refuses what the client has asked for
    {Event::abort, static_cast<States>(kAny & ~bitOf(init1)), closed},
    {Event::abort, bitOf(init1), rejected},  // it refuses the client's first INIT
};

constexpr size_t kEvents = static_cast<size_t>(Event::kCount);
using Table = std::array<std::array<SctpState, kEvents>, kSctpStates>;

constexpr Table tableOf(std::span<const Rule> rules) {
  Table table{};
  for (size_t state = 0; state < kSctpStates; state++) table[state].fill(static_cast<SctpState>(state));
  for (const Rule& rule : rules) {
    for (size_t state = 0; state < kSctpStates; state++) {
      if ((rule.from >> state & 1) != 0) table[state][static_cast<size_t>(rule.event)] = rule.to;
    }
  }
  return table;
}

// Tells whether no two rules speak of the same packet in the same state.
constexpr bool areDistinct(std::span<const Rule> rules) {
  for (size_t i = 0; i < rules.size(); i++) {
    for (size_t j = 0; j < i; j++) {
      if (rules[i].event == rules[j].event && (rules[i].from & rules[j].from) != 0) return false;
    }
  }
  return true;
}
static_assert(areDistinct(kOfClient) && areDistinct(kOfServer));

constexpr Table kNextOfClient = tableOf(kOfClient), kNextOfServer = tableOf(kOfServer);

}  // namespace
}  // namespace sctp_two_sided

SctpState nextSctpState(SctpState now, SctpEvent event, Side side) {
  if (side == Side::clientOnly) return nextSctpState(now, event);
  const auto& next = side == Side::client ? sctp_two_sided::kNextOfClient : sctp_two_sided::kNextOfServer;
  return next[static_cast<size_t>(now)][static_cast<size_t>(event)];
}

}  // namespace tunvs
