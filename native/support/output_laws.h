// Checks the laws of what leaves a director in a program: laws 1, 4, 5, 9 and 11 of director_program.h.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "director/counters/verdict.h"
#include "support/collected_output.h"
#include "support/laws.h"
#include "support/program_pins.h"
#include "support/program_servers.h"

namespace tunvs::testing {

class OutputLaws {
 public:
  OutputLaws(Laws& laws, const ProgramServers& servers, ProgramPins& pins)
      : laws_(laws), servers_(servers), pins_(pins) {}

  // Checks a vector of packets at `now`, and what became of each.
  void check(const std::vector<Bytes>& asked, const Verdict* verdicts, const std::vector<SentPacket>& sent, Tick now);

  // Connections may begin mid-stream everywhere.
  void setSloppy(bool isSloppy) { isSloppy_ = isSloppy; }
  // Notes what is configured, and what health says.
  void setServices(const std::vector<ServiceRow>& services);

 private:
  // Checks that what leaves was made for this packet, whatever came before and behind it in the vector.
  void checkAnswer(const Bytes& asked, const SentPacket& sent);
  // Checks a fragment that waited and leaves with its datagram's first one.
  void checkPiece(const Bytes& first, const SentPacket& sent);
  void checkOutput(const Bytes& inner, const SentPacket& sent);
  // These check what leaves of packets that are rewritten, or pass as they are.
  void checkOfNat(const Bytes& asked, Verdict verdict, const SentPacket& sent);
  void checkRewritten(const Bytes& asked, const SentPacket& sent);
  void checkReply(const Bytes& asked, const SentPacket& sent);
  void checkRest(const Bytes& asked, const Bytes& b, bool isFtp);
  void checkRelayed(const Bytes& asked, const SentPacket& sent);
  // Checks where a packet went that belongs to a connection.
  void checkServer(const ParsedPacket& parsed, const SentPacket& sent);

  Laws& laws_;
  const ProgramServers& servers_;
  ProgramPins& pins_;
  std::map<std::pair<uint64_t, uint64_t>, uint8_t> lastServer_;  // by flow
  // By the flows that real servers' replies are: the virtual endpoints whose packets had become those.
  std::map<std::pair<uint64_t, uint64_t>, std::set<std::pair<uint32_t, uint16_t>>> repliesOf_;
  std::set<ServiceKey> resuming_;  // connections may begin or change their servers mid-stream
  std::set<std::pair<ServiceKey, uint8_t>> withheld_, closed_;  // servers that get nothing, and no new connections
  bool isSloppy_ = false;
};

}  // namespace tunvs::testing
