#include "support/output_laws.h"

#include <cstring>

namespace tunvs::testing {

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
    if (verdicts[i] != Verdict::forwarded && verdicts[i] != Verdict::pinned) {
      laws_.require(outputs <= 1, "law 1: more than one answer to a packet");
      if (outputs == 1 && laws_.hold()) checkAnswer(asked[i], sent[first]);
      continue;
    }
    if (!isFlow) {
      laws_.require(outputs >= 1, "law 1: a forwarded fragment did not leave");
      for (size_t at = first; at < output && laws_.hold(); at++) checkPiece(asked[i], sent[at]);
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
  laws_.require(sent.bytes.size() == innerBytes + 20 && loadBe16(p + 2) == sent.bytes.size(),
                "law 4: the outer length is wrong");
  laws_.require(p[0] == 0x45 && p[9] == 4 && naiveSum(p, 20) == 0xffff, "law 4: the outer header is wrong");
  laws_.require(std::memcmp(p + 20, inner.data(), innerBytes) == 0, "law 4: the inner packet was changed");
  laws_.require(std::memcmp(p + 16, sent.nextHop.bytes.data(), 4) == 0,
                "law 4: the next hop is not the outer destination");
}

void OutputLaws::checkServer(const ParsedPacket& parsed, const SentPacket& sent) {
  const ServiceKey service{parsed.key.virtualAddress(), parsed.key.virtualPort().host(), parsed.key.protocol()};
  const auto servers = servers_.find(service);
  laws_.require(servers != servers_.end() && servers->second.contains(sent.nextHop.bytes[3]),
                "law 5: sent to a server that is not configured");
  // Without a SYN no connection begins, so this one began when its server was last chosen.
  const uint8_t server = sent.nextHop.bytes[3];
  const auto [last, isNew] = lastServer_.try_emplace({parsed.key.words[0], parsed.key.tail}, server);
  const bool mayBegin =
      (parsed.tcpFlags & kTcpSyn) != 0 || parsed.key.protocol() != 6 || isSloppy_ || hashing_.contains(service);
  laws_.require(mayBegin || (!isNew && last->second == server), "law 5: a connection changed its server");
  last->second = server;
}

}  // namespace tunvs::testing
