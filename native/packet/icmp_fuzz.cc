// Takes any bytes as a packet, reads it as ICMP with everything it quotes, and answers it in every way. The reader
// stays within what came in; the writer makes a valid packet that nobody answers with an error.
//
// The first byte chooses how much room an answer has and, by its lowest bit, whether the packet's ICMP or TCP checksum
// is made right first; the packet follows.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "packet/answer_icmp4.h"
#include "packet/answer_icmp6.h"
#include "packet/answer_tcp.h"
#include "packet/checksum.h"
#include "packet/icmp.h"
#include "packet/icmp_translate.h"
#include "packet/outer_quote.h"
#include "packet/quote.h"

using namespace tunvs;

namespace {

using Bytes = std::span<const uint8_t>;

void require(bool holds) {
  if (!holds) std::abort();
}

bool isWithin(Bytes part, Bytes whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// A Block ends where its contents end.
struct Block {
  explicit Block(size_t size) : bytes(new uint8_t[size]()), size(size) {}
  explicit Block(Bytes from) : Block(from.size()) { std::copy(from.begin(), from.end(), bytes.get()); }
  std::span<uint8_t> span() { return {bytes.get(), size}; }
  std::unique_ptr<uint8_t[]> bytes;
  size_t size;
};

Bytes payloadOf(Bytes packet, const Quote& quote) {
  return packet.subspan(quote.headerBytes, quote.quotedBytes - quote.headerBytes);
}

void checkQuote(const Quote& quote, Bytes packet) {
  require(quote.headerBytes <= quote.quotedBytes && quote.quotedBytes <= quote.totalBytes);
  require(quote.quotedBytes <= packet.size() && quote.source.family == quote.destination.family);
  if (!quote.hasPorts) return;
  const FlowKey toVirtual = flowKeyOf(quote, QuotedDirection::toVirtual);
  const FlowKey toClient = flowKeyOf(quote, QuotedDirection::toClient);
  require(toVirtual.client() == toClient.virtualAddress() && toVirtual.clientPort() == toClient.virtualPort());
  require(toVirtual.virtualAddress() == toClient.client() && toVirtual.virtualPort() == toClient.clientPort());
}

// The checksum is made right, as few mutations would get past it by themselves.
void sealTransport(std::span<uint8_t> packet, const Quote& quote) {
  const auto protocol = static_cast<IpProtocol>(quote.protocol);
  const bool isTcp = protocol == IpProtocol::tcp, isIcmp = protocol == IpProtocol::icmp;
  const size_t field = isTcp ? 16 : 2;
  const auto payload = packet.subspan(quote.headerBytes, quote.quotedBytes - quote.headerBytes);
  if ((!isTcp && !isIcmp && protocol != IpProtocol::icmpv6) || payload.size() < field + 2) return;
  const auto length = static_cast<uint32_t>(payload.size());
  const uint64_t pseudo = isIcmp ? 0 : pseudoHeaderSum(quote.source, quote.destination, quote.protocol, length);
  storeBe16(payload.data() + field, 0);
  const Be16 check = checksum(payload.data(), length, pseudo);
  std::memcpy(payload.data() + field, &check, sizeof check);
}

// Checks a packet that we wrote in reply to `about`.
void checkAnswer(Bytes answer, const Quote& about, bool isError) {
  const auto quote = readQuote(answer);
  require(quote && quote->isWhole() && quote->totalBytes == answer.size() && quote->destination == about.source);
  if (quote->family() == Family::ipv4) require(checksumFold(checksumAdd(answer.data(), 20)) == 0xffff);
  const auto payload = payloadOf(answer, *quote);
  require(transportChecksumIsRight(quote->source, quote->destination, quote->protocol, payload));
  if (isError) require(!mayAnswerIcmp4(answer) && !mayAnswerIcmp6(answer, icmp6::kUnreachable));
  if (quote->protocol == static_cast<uint8_t>(IpProtocol::tcp)) {
    uint8_t again[kTcpResetMaxBytes];
    require(writeTcpReset(again, answer) == 0);
  }
}

void answerEachWay(Bytes packet, const Quote& quote, size_t room, uint8_t seed) {
  Block out(room);
  const auto check = [&](size_t length, size_t limit, bool isError) {
    require(length <= limit && length <= room);
    if (length > 0) checkAnswer(out.span().first(length), quote, isError);
  };
  check(writeTcpReset(out.span(), packet), kTcpResetMaxBytes, false);
  check(writeTcpReset(out.span(), packet, ChecksumTrust::verified), kTcpResetMaxBytes, false);
  check(writeIcmp4EchoReply(out.span(), packet, seed), packet.size(), false);
  check(writeIcmp6EchoReply(out.span(), packet), packet.size(), false);
  if (mayAnswerIcmp4(packet)) {
    const Icmp4Error error = {icmp4::kUnreachable, seed, seed, quote.destination, seed};
    check(writeIcmp4Error(out.span(), error, packet), kIcmp4ErrorMaxBytes, true);
  }
  const uint8_t type = seed % 2 == 0 ? icmp6::kPacketTooBig : icmp6::kUnreachable;
  if (mayAnswerIcmp6(packet, type)) {
    check(writeIcmp6Error(out.span(), {type, 0, seed, quote.destination}, packet), kIcmp6ErrorMaxBytes, true);
  }
}

void readErrorIn(Bytes packet, const Quote& quote) {
  const auto payload = payloadOf(packet, quote);
  const auto icmp = readIcmp(quote.source, quote.destination, payload);
  if (!icmp) return;
  require(isWithin(icmp->quoted, payload));
  for (const Family family : {Family::ipv4, Family::ipv6})
    translateIcmpError({icmp->type, icmp->code}, icmp->family, family);
  const auto outer = stripOuter(icmp->quoted);
  if (!outer) return;
  require(isWithin(outer->inner, icmp->quoted) && outer->inner.size() < icmp->quoted.size());
  if (const auto inner = readQuote(outer->inner)) checkQuote(*inner, outer->inner);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Block packet(Bytes(data + 1, size - 1));
  const auto quote = readQuote(packet.span());
  if (!quote) return 0;
  checkQuote(*quote, packet.span());
  if (data[0] % 2 != 0) sealTransport(packet.span(), *quote);
  readErrorIn(packet.span(), *quote);
  answerEachWay(packet.span(), *quote, data[0] * size_t{8}, data[0]);
  return 0;
}
