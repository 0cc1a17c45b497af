#include "director/delivery/ftp_path.h"

#include "director/delivery/finish_outgoing.h"
#include "ftp/ftp_text.h"
#include "ftp/sequence_shift.h"

namespace tunvs {
namespace {

constexpr uint16_t kActivePort = 20;  // RFC 959 section 3.2: the server's data port

std::span<const uint8_t> payloadOf(const ParsedPacket& parsed) {
  const size_t segment = parsed.length - parsed.transport;
  const size_t header = (parsed.data[parsed.transport + 12] >> 4) * size_t{4};
  if (header < kTcpHeaderBytes || header > segment) return {};
  return {parsed.data + parsed.transport + header, segment - header};
}

}  // namespace

bool FtpPath::hasSession(Family family, const Conn& conn) const {
  const Conn& reply = *connections_.table(family).named(conn.control.load(std::memory_order_relaxed));
  return (reply.state.load(std::memory_order_relaxed) & kReplyOfFtp) != 0;
}

Verdict FtpPath::sendReply(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet,
                           const Endpoints& to) {
  const Family family = packet.parsed.key.family;
  const ParsedPacket parsed = finishOutgoing(packet);
  const std::span<const uint8_t> payload = payloadOf(parsed);
  const IpAddress& client = to.destination.address;
  const IpAddress& virtualAddress = to.source.address;
  const auto expect = [&](const IpAddress& address, uint16_t port) {
    const FlowKey flow = FlowKey::make(client, Be16{}, virtualAddress, Be16::from(port), parsed.protocol);
    connections_.data().expect(pass, conn, server, flow, {address, Be16::from(port)});
  };
  std::optional<PassiveReply> passive =
      payload.empty() || family == Family::ipv6 ? std::nullopt : readPassiveReply(payload);
  if (passive && !isUnicast(passive->address)) passive = std::nullopt;
  if (passive) expect(passive->address, passive->port);
  if (const auto extended = payload.empty() ? std::nullopt : readExtendedPassive(payload))
    expect(parsed.key.client(), extended->port);
  if (!hasSession(family, conn)) return forwarder_.sendReply(pass, server, {packet.data, parsed, 0, packet.cause}, to);

  char text[kPassiveTextBytes];
  const size_t textBytes = passive ? writePassive(text, virtualAddress, passive->port) : 0;
  bool isReplaced = false;
  connections_.ftpSessions().withShift(family, conn.control.load(std::memory_order_relaxed), [&](SequenceShift& shift) {
    uint8_t* const tcp = packet.data + parsed.transport;
    // A packet that is still to be cut has no room to grow by; no server sends a reply in one.
    if (passive && !parsed.offload.isToBeCut()) {
      const auto at = static_cast<uint32_t>(loadBe32(tcp + 4) + passive->line);
      const size_t before = passive->changed().bytes;
      isReplaced = shift.record(at, static_cast<uint32_t>(before),
                                static_cast<uint32_t>(before - passive->text.bytes + textBytes));
    }
    mendTcp(tcp, parsed.length - parsed.transport, shift, {}, parsed.offload);
  });
  const Outgoing mended{packet.data, parsed, /*flowHash=*/0, packet.cause};
  if (!isReplaced) return forwarder_.sendReply(pass, server, mended, to);
  return forwarder_.sendReplyReplaced(pass, server, mended, to, passive->text, {text, textBytes});
}

Verdict FtpPath::deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const Family family = packet.parsed.key.family;
  const ParsedPacket parsed = finishOutgoing(packet);
  const std::span<const uint8_t> payload = payloadOf(parsed);
  if (const auto command = payload.empty() ? std::nullopt : readFtpCommand(payload)) {
    const bool isActive = command->kind == FtpCommandKind::port || command->kind == FtpCommandKind::extendedPort;
    if (isActive && command->address == parsed.key.client()) {
      const FlowKey flow = FlowKey::make(parsed.key.client(), Be16::from(command->port), parsed.key.virtualAddress(),
                                         Be16::from(kActivePort), parsed.protocol);
      connections_.data().expect(pass, conn, server, flow,
                                 {pass.endpoints->destination.address, Be16::from(kActivePort)});
    }
  }
  if (hasSession(family, conn)) {
    // The entry may go on with the client port's next connection.
    const bool isNext =
        isOpening(parsed) && conn.state.load(std::memory_order_relaxed) == static_cast<uint8_t>(TcpState::synRecv);
    connections_.ftpSessions().withShift(
        family, conn.control.load(std::memory_order_relaxed), [&](SequenceShift& shift) {
          if (isNext) shift = {};
          mendTcp(packet.data + parsed.transport, parsed.length - parsed.transport, {}, shift, parsed.offload);
        });
  }
  return forwarder_.deliver(pass, server, {packet.data, parsed, packet.flowHash, packet.cause});
}

}  // namespace tunvs
