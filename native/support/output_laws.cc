#include "support/output_laws.h"

#include <algorithm>
#include <cstring>

#include "support/raw_bytes.h"

namespace tunvs::testing {
namespace {

bool isWhole(const Bytes& b) {
  return b.size() >= 20 && loadBe16(&b[2]) == b.size() && naiveSum(&b[0], (b[0] & 15) * size_t{4}) == 0xffff;
}
bool isFragment(const Bytes& packet) { return (loadBe16(&packet[6]) & 0x3fff) != 0; }

IpAddress sourceOf(const Bytes& packet) { return addressAt(packet, 12); }
IpAddress destinationOf(const Bytes& packet) { return addressAt(packet, 16); }

// An address and a port; `at` is 12 for the source, 16 for the destination.
using AddressAndPort = std::pair<uint32_t, uint16_t>;
AddressAndPort endpointOf(const Bytes& packet, size_t at) {
  const size_t transport = (packet[0] & 15) * size_t{4};
  return {loadBe32(&packet[at]), loadBe16(&packet[transport + (at == 12 ? 0 : 2)])};
}
AddressAndPort endpointOf(const ServiceKey& service) { return {loadBe32(service.address.bytes.data()), service.port}; }

// Returns the sum that a transport checksum makes: 0xffff or 0 when it is right.
uint16_t transportSum(const Bytes& packet) {
  const size_t at = (packet[0] & 15) * size_t{4}, bytes = loadBe16(&packet[2]) - at;
  const uint16_t pseudo =
      checksumFold(pseudoHeaderSum(sourceOf(packet), destinationOf(packet), packet[9], static_cast<uint32_t>(bytes)));
  const uint16_t sum = naiveSum(&packet[at], bytes, loadBe16(reinterpret_cast<const uint8_t*>(&pseudo)));
  return sum == 0xffff ? 0 : sum;
}

}  // namespace

void OutputLaws::check(const std::vector<Bytes>& asked, const Verdict* verdicts, const std::vector<SentPacket>& sent,
                       Tick now) {
  size_t output = 0;
  for (size_t i = 0; i < asked.size() && laws_.hold(); i++) {
    laws_.require(verdicts[i] < Verdict::kCount, "law 1: a verdict that there is not");
    const size_t first = output;
    while (output < sent.size() && sent[output].cause == i) output++;
    const size_t outputs = output - first;
    ParsedPacket parsed;
    const bool isFlow =
        parsePacket({const_cast<uint8_t*>(asked[i].data()), static_cast<uint32_t>(asked[i].size())}, parsed);
    ProgramPins::Pinned* pinned = isFlow ? pins_.find(parsed.key, now) : nullptr;
    laws_.require(!isFlow || (verdicts[i] == Verdict::pinned) == (pinned != nullptr),
                  "law 9: a pinned flow did not go by its pin, or another did");
    if (verdicts[i] == Verdict::returned || verdicts[i] == Verdict::passedOn || verdicts[i] == Verdict::relayedIcmp) {
      laws_.require(isFlow ? outputs == 1 : outputs >= 1, "law 1: a packet that is sent did not leave, or twice");
      for (size_t at = first; at < output && laws_.hold(); at++) checkOfNat(asked[i], verdicts[i], sent[at]);
      continue;
    }
    if (verdicts[i] != Verdict::forwarded && verdicts[i] != Verdict::pinned) {
      laws_.require(outputs <= 1, "law 1: more than one answer to a packet");
      if (outputs == 1 && laws_.hold()) checkAnswer(asked[i], sent[first]);
      continue;
    }
    if (!isFlow) {
      laws_.require(outputs >= 1, "law 1: a forwarded fragment did not leave");
      for (size_t at = first; at < output && laws_.hold(); at++) checkPiece(asked[i], sent[at]);
      // The first piece may have opened a connection.
      const bool isFirst = parsed.packetClass == PacketClass::fragment && parsed.fragmentOffset == 0;
      if (isFirst && outputs >= 1 && verdicts[i] == Verdict::forwarded)
        lastServer_[{parsed.key.words[0], parsed.key.tail}] = sent[first].nextHop.bytes[3];
      continue;
    }
    laws_.require(outputs == 1, "law 1: outputs and forwarded packets differ");
    if (!laws_.hold()) return;
    checkOutput(asked[i], sent[first]);
    if (pinned != nullptr) {
      pinned->packets++;
      laws_.require(sent[first].nextHop.bytes[3] == pinned->server, "law 9: a pinned flow went to another server");
    } else {
      checkServer(parsed, sent[first]);
    }
  }
  laws_.require(output == sent.size(), "law 1: outputs that no packet caused, or out of order");
}

void OutputLaws::checkAnswer(const Bytes& asked, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  const bool isWhole = b.size() >= 20 && b[0] == 0x45 && loadBe16(&b[2]) == b.size() && naiveSum(&b[0], 20) == 0xffff;
  laws_.require(isWhole, "law 4: an answer's header is wrong");
  if (!laws_.hold()) return;
  laws_.require(std::memcmp(&b[12], &asked[16], 4) == 0 && std::memcmp(&b[16], &asked[12], 4) == 0 &&
                    std::memcmp(&b[16], sent.nextHop.bytes.data(), 4) == 0,
                "law 4: an answer goes to another client");
  if (b[9] == 1) laws_.require(naiveSum(&b[20], b.size() - 20) == 0xffff, "law 4: an answer's checksum is wrong");
}

void OutputLaws::checkPiece(const Bytes& first, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  if (b.size() >= 28 && b[9] == 17) return checkRewritten(first, sent);
  const bool isWhole = b.size() >= 40 && b[0] == 0x45 && loadBe16(&b[2]) == b.size() && naiveSum(&b[0], 20) == 0xffff;
  laws_.require(isWhole && b[9] == 4 && naiveSum(&b[20], (b[20] & 15) * 4) == 0xffff, "law 4: a fragment is not whole");
  if (!laws_.hold()) return;
  laws_.require(std::memcmp(&b[32], &first[12], 8) == 0 && std::memcmp(&b[24], &first[4], 2) == 0 &&
                    std::memcmp(&b[16], sent.nextHop.bytes.data(), 4) == 0,
                "law 4: a fragment of another datagram");
}

void OutputLaws::checkOutput(const Bytes& inner, const SentPacket& sent) {
  const uint8_t* p = sent.bytes.data();
  const size_t innerBytes = loadBe16(&inner[2]);
  if (sent.bytes.size() == innerBytes) return checkRewritten(inner, sent);
  laws_.require(sent.bytes.size() == innerBytes + 20 && loadBe16(p + 2) == sent.bytes.size(),
                "law 4: the outer length is wrong");
  laws_.require(p[0] == 0x45 && p[9] == 4 && naiveSum(p, 20) == 0xffff, "law 4: the outer header is wrong");
  laws_.require(std::memcmp(p + 20, inner.data(), innerBytes) == 0, "law 4: the inner packet was changed");
  laws_.require(std::memcmp(p + 16, sent.nextHop.bytes.data(), 4) == 0,
                "law 4: the next hop is not the outer destination");
}

void OutputLaws::checkOfNat(const Bytes& asked, Verdict verdict, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  if (asked[0] >> 4 != 4) return;  // a packet of IPv6 is none of this program's
  switch (verdict) {
    case Verdict::returned: return checkReply(asked, sent);
    case Verdict::relayedIcmp: return checkRelayed(asked, sent);
    default:
      // Pieces of one datagram leave behind its first one.
      laws_.require(isFragment(asked) || std::equal(b.begin(), b.end(), asked.begin()),
                    "law 11: a packet that is passed on was changed");
  }
}

// Checks that a whole packet differs only in what rewriting changes. FTP's control connections may differ more.
void OutputLaws::checkRest(const Bytes& asked, const Bytes& b, bool isFtp) {
  const bool hadNoChecksum = b[9] == 17 && loadBe16(&asked[(asked[0] & 15) * size_t{4} + 6]) == 0;
  laws_.require(transportSum(b) == (hadNoChecksum ? 0 : transportSum(asked)),
                "law 11: a transport checksum is not as right as it was");
  if (isFtp) return;
  Bytes before(asked.begin(), asked.begin() + loadBe16(&asked[2])), after = b;
  laws_.require(before.size() == after.size(), "law 11: the length was changed");
  if (!laws_.hold()) return;
  const size_t transport = (b[0] & 15) * size_t{4}, check = transport + (b[9] == 17 ? 6 : 16);
  for (Bytes* each : {&before, &after}) {
    std::fill_n(each->begin() + 10, 10, 0);  // the header's checksum, and both addresses
    std::fill_n(each->begin() + static_cast<ptrdiff_t>(transport), 4, 0);
    std::fill_n(each->begin() + static_cast<ptrdiff_t>(check), 2, 0);
  }
  laws_.require(before == after, "law 11: more than the endpoints was changed");
}

void OutputLaws::checkRewritten(const Bytes& asked, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  laws_.require(isWhole(b), "law 11: a header is wrong");
  laws_.require(isProgramServer(destinationOf(b)), "law 11: rewritten to what is no server");
  if (!laws_.hold()) return;
  laws_.require(sourceOf(b) == sourceOf(asked), "law 11: the client's address was changed");
  if (isFragment(asked)) return;
  const bool isFtp = destinationOf(asked) == kProgramFtp.address;
  laws_.require(isFtp || destinationOf(b) == sent.nextHop, "law 11: the next hop is not the destination");
  checkRest(asked, b, isFtp);
  const ParsedPacket parsed = parsedFrom(b);
  const FlowKey reply = FlowKey::make(parsed.key.virtualAddress(), parsed.key.virtualPort(), parsed.key.client(),
                                      parsed.key.clientPort(), parsed.protocol);
  repliesOf_[{reply.words[0], reply.tail}].insert(endpointOf(asked, 16));
}

void OutputLaws::checkReply(const Bytes& asked, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  laws_.require(isWhole(b), "law 11: a header is wrong");
  laws_.require(!isProgramServer(sourceOf(b)), "law 11: a reply shows its server");
  laws_.require(destinationOf(b) == destinationOf(asked), "law 11: a reply goes to another client");
  if (!laws_.hold() || isFragment(asked)) return;
  checkRest(asked, b, sourceOf(b) == kProgramFtp.address);
  const ParsedPacket parsed = parsedFrom(asked);
  const auto known = repliesOf_.find({parsed.key.words[0], parsed.key.tail});
  const bool isKnown = known != repliesOf_.end() && known->second.contains(endpointOf(b, 12));
  // An answer to a datagram of one-packet scheduling needs none; FTP announces what has had no packet yet.
  const bool needsNone = sourceOf(b) == kProgramFtp.address || endpointOf(b, 12) == endpointOf(TestDirector::kNames);
  laws_.require(isKnown || needsNone, "law 11: a reply in the name of a service that the client has not asked");
}

void OutputLaws::checkRelayed(const Bytes& asked, const SentPacket& sent) {
  const Bytes& b = sent.bytes;
  const Bytes before(asked.begin() + (asked[0] & 15) * 4 + 8, asked.end());
  // It may have opened the connection that it is about.
  if (isProgramServer(sent.nextHop) && before.size() >= 24) {
    const FlowKey flow = FlowKey::make(destinationOf(before), Be16::from(endpointOf(before, 16).second),
                                       sourceOf(before), Be16::from(endpointOf(before, 12).second), before[9]);
    lastServer_[{flow.words[0], flow.tail}] = sent.nextHop.bytes[3];
  }
  if (b.size() != loadBe16(&asked[2]) || b[0] != 0x45) return;  // behind an outer header, or with options
  laws_.require(isWhole(b) && b.size() >= 52 && naiveSum(&b[20], b.size() - 20) == 0xffff,
                "law 11: a relayed error is not right");
  if (!laws_.hold()) return;
  const Bytes quoted(b.begin() + 28, b.end());
  if (isProgramServer(destinationOf(b))) {
    laws_.require(sourceOf(quoted) == destinationOf(b), "law 11: a server is told of what it has not sent");
    const FlowKey reply = FlowKey::make(sourceOf(quoted), Be16::from(endpointOf(quoted, 12).second),
                                        destinationOf(quoted), Be16::from(endpointOf(quoted, 16).second), quoted[9]);
    repliesOf_[{reply.words[0], reply.tail}].insert(endpointOf(before, 12));
  } else {
    laws_.require(!isProgramServer(sourceOf(b)) && !isProgramServer(destinationOf(quoted)),
                  "law 11: an error shows its server");
  }
}

void OutputLaws::checkServer(const ParsedPacket& parsed, const SentPacket& sent) {
  const ServiceKey service{parsed.key.virtualAddress(), parsed.key.virtualPort().host(), parsed.key.protocol()};
  if (service.address == kProgramFtp.address && service.port != kProgramFtp.port) return;  // announced, not scheduled
  const auto servers = servers_.find(service);
  laws_.require(servers != servers_.end() && servers->second.contains(sent.nextHop.bytes[3]),
                "law 5: sent to a server that is not configured");
  // Without a SYN no connection begins, so this one began when its server was last chosen.
  const uint8_t server = sent.nextHop.bytes[3];
  const auto [last, isNew] = lastServer_.try_emplace({parsed.key.words[0], parsed.key.tail}, server);
  const bool mayBegin =
      (parsed.tcpFlags & kTcpSyn) != 0 || parsed.key.protocol() != 6 || isSloppy_ || resuming_.contains(service);
  laws_.require(mayBegin || (!isNew && last->second == server), "law 5: a connection changed its server");
  laws_.require(!withheld_.contains({service, server}), "law 5: sent to a server that is down");
  laws_.require(!closed_.contains({service, server}) || (!isNew && last->second == server),
                "law 5: a new connection went to a server that is down or out of the list");
  last->second = server;
}

void OutputLaws::setServices(const std::vector<ServiceRow>& services) {
  resuming_.clear();
  withheld_.clear();
  closed_.clear();
  for (const auto& service : services) {
    if (service.config.hashesMidStream()) resuming_.insert(service.key);
    for (const auto& server : service.servers) {
      const HealthCondition& health = server.condition.health;
      const std::pair<ServiceKey, uint8_t> key{service.key, server.key.address.bytes[3]};
      if (!health.isUp && health.onDown == OnDown::reschedule) resuming_.insert(service.key);
      if (!health.isUp && health.onDown != OnDown::keep) withheld_.insert(key);
      if (!health.takesClients()) closed_.insert(key);
    }
  }
}

}  // namespace tunvs::testing
