// Reads what FTP's control connection says about data connections (RFC 959, RFC 2428), in the payload of one segment.
//
// What is read is one complete line, which ends in LF or CRLF and begins with the payload or behind another line. A
// line that is cut in two is not read, as IPVS does not; its pieces go on unchanged. Of several lines, each call reads
// the first that it is for; whoever expects more goes on behind its `end`. A port of 0 is refused, since nobody can
// connect to it.
//
// IPVS looks at the first 227 after a PASV only, so a retransmitted one shows the client a private address. Nothing
// here asks what came before: a 227 reads the same whenever it comes.
//
// Thread safety: pure. No byte outside of the payload is read, whatever it holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/inet.h"
#include "ftp/payload_range.h"

namespace tunvs {

// A server that has been told PASV says where it listens: "227 Entering Passive Mode (h1,h2,h3,h4,p1,p2)".
struct PassiveReply {
  PayloadRange text;  // "h1,h2,h3,h4,p1,p2", at most kPassiveTextBytes
  size_t line = 0;    // offset of "227"
  size_t end = 0;     // offset behind the line
  IpAddress address;  // IPv4; the server may name any, also another host's
  uint16_t port = 0;  // [1, 65535]

  // Returns from the beginning of the line to the end of the text: what SequenceShift::record() is told of, so that a
  // reply that arrived in part is sent again from where it can be read.
  PayloadRange changed() const { return {line, text.end() - line}; }
};

// A server that has been told EPSV names a port of its own address: "229 Entering Extended Passive Mode (|||port|)".
struct ExtendedPassiveReply {
  size_t end = 0;     // offset behind the line
  uint16_t port = 0;  // [1, 65535]
};

enum class FtpCommandKind : uint8_t {
  port,             // PORT: the client listens at an IPv4 address
  extendedPort,     // EPRT: the client listens at an address of either family
  passive,          // PASV: the server shall listen
  extendedPassive,  // EPSV: the server shall listen, at the address that it has in the control connection
};

// EPSV may say for which family the server shall listen, or that the client will use nothing but EPSV.
enum class ExtendedPassiveArgument : uint8_t { none, ipv4, ipv6, all };

struct FtpCommand {
  FtpCommandKind kind = FtpCommandKind::passive;
  ExtendedPassiveArgument argument = ExtendedPassiveArgument::none;  // extendedPassive only
  size_t end = 0;                                                    // offset behind the line
  IpAddress address;  // port and extendedPort only; the client may name any
  uint16_t port = 0;  // [1, 65535] for port and extendedPort, otherwise 0
};

// Takes the numbers with or without parentheses, behind any words (RFC 1123 section 4.1.2.6). Six numbers of one to
// three digits and up to 255, with commas and nothing else between them, are an address; others are not.
std::optional<PassiveReply> readPassiveReply(std::span<const uint8_t> payload);

// Takes any delimiter that RFC 2428 allows, [33, 126].
std::optional<ExtendedPassiveReply> readExtendedPassive(std::span<const uint8_t> payload);

// Takes commands in any case. What is none of the four, or has an argument that is none, is passed over.
std::optional<FtpCommand> readFtpCommand(std::span<const uint8_t> payload);

inline constexpr size_t kPassiveTextBytes = 23;  // of "255,255,255,255,255,255"

// Writes "h1,h2,h3,h4,p1,p2" and returns its length, or 0 when there is no room for it. REQUIRES: address.isV4()
size_t writePassive(std::span<char> room, const IpAddress& address, uint16_t port);

}  // namespace tunvs
