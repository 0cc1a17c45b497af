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
  const IpAddress& ownAddress = parsed.key.client();
  connections_.data().follow(family, conn);
  const uint32_t name = conn.control.load(std::memory_order_relaxed);
  const Said said = read(family, name, parsed, payload);
  const auto expect = [&](const IpAddress& address, uint16_t port) {
    const FlowKey flow = FlowKey::make(client, Be16{}, virtualAddress, Be16::from(port), parsed.protocol);
    connections_.data().expect(pass, conn, server, flow, {address, Be16::from(port)});
  };
  std::optional<PassiveReply> passive = said.passive;
  if (passive && !isUnicast(passive->address)) passive = std::nullopt;
  // A server that is meant for directors without translation names the virtual address, and means itself.
  if (passive) expect(passive->address == virtualAddress ? ownAddress : passive->address, passive->port);
  if (said.extended) expect(ownAddress, said.extended->port);

  char text[kPassiveTextBytes];
  const size_t textBytes = passive ? writePassive(text, virtualAddress, passive->port) : 0;
  bool isReplaced = false;
  connections_.ftpSessions().with(family, name, [&](FtpSessions::Control& control) {
    uint8_t* const tcp = packet.data + parsed.transport;
    // A packet that is still to be cut has no room to grow by; no server sends a reply in one.
    if (passive && !parsed.offload.isToBeCut()) {
      const auto at = static_cast<uint32_t>(loadBe32(tcp + 4) + passive->line);
      const size_t before = passive->changed().bytes;
      isReplaced = control.shift.record(at, static_cast<uint32_t>(before),
                                        static_cast<uint32_t>(before - passive->text.bytes + textBytes));
    }
    mendTcp(tcp, parsed.length - parsed.transport, control.shift, {}, parsed.offload);
  });
  const Outgoing mended{packet.data, parsed, /*flowHash=*/0, packet.cause};
  if (!isReplaced) return forwarder_.sendReply(pass, server, mended, to);
  return forwarder_.sendReplyReplaced(pass, server, mended, to, passive->text, {text, textBytes});
}

FtpPath::Said FtpPath::read(Family family, uint32_t control, const ParsedPacket& parsed,
                            std::span<const uint8_t> payload) {
  const uint32_t sequence = loadBe32(parsed.data + parsed.transport + 4);
  const bool isFirst = (parsed.tcpFlags & (kTcpSyn | kTcpAck)) == (kTcpSyn | kTcpAck);
  Said said;
  connections_.ftpSessions().with(family, control, [&](FtpSessions::Control& known) {
    if (isFirst) known.lines.begin(sequence + 1);
    if (payload.empty()) return;
    const size_t before = known.lines.before(sequence, payload);
    const auto lines = payload.subspan(before);
    said.extended = readExtendedPassive(lines);
    if (family == Family::ipv4) said.passive = readPassiveReply(lines);
    known.lines.note(sequence, payload);
    if (!said.passive) return;
    said.passive->text.offset += before;
    said.passive->line += before;
    said.passive->end += before;
    known.lines.remember(static_cast<uint32_t>(sequence + said.passive->line));
  });
  return said;
}

Verdict FtpPath::deliver(Pass& pass, const Conn& conn, const ServerView& server, const Outgoing& packet) {
  const Family family = packet.parsed.key.family;
  const ParsedPacket parsed = finishOutgoing(packet);
  const std::span<const uint8_t> payload = payloadOf(parsed);
  if (const auto command = payload.empty() ? std::nullopt : readFtpCommand(payload)) {
    const bool isActive = command->kind == FtpCommandKind::port || command->kind == FtpCommandKind::extendedPort;
    // In full NAT the server gets another address than the client's, and would connect to nobody.
    if (isActive && command->address == parsed.key.client() && !server.traits->takesSource) {
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
    const uint32_t name = conn.control.load(std::memory_order_relaxed);
    connections_.ftpSessions().with(family, name, [&](FtpSessions::Control& control) {
      if (isNext) control = {};
      mendTcp(packet.data + parsed.transport, parsed.length - parsed.transport, {}, control.shift, parsed.offload);
    });
  }
  return forwarder_.deliver(pass, server, {packet.data, parsed, packet.flowHash, packet.cause});
}

}  // namespace tunvs
