// Plays FTP's control connections as a real IPVS was given them, and compares each packet with what left it, byte for
// byte: replies rewritten, sequence numbers and acknowledgements mended.
#include <map>
#include <set>
#include <string>

#include "ftp/ftp_text.h"
#include "ftp/replace_payload.h"
#include "ftp/sequence_shift.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "support/golden_cases.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::ftp_golden_test {
namespace {

using testing::Bytes;
using testing::GoldenCase;

constexpr size_t kTransport = 20;
constexpr uint16_t kControlPort = 21;
constexpr uint16_t kRepeated = 20001;  // client port of the connection whose first reply is sent again
// Sequence numbers of that reply's beginning, and of its end when it is not rewritten.
constexpr uint32_t kReply = 5023, kPartOfReply = 5070;
constexpr uint8_t kVip[4] = {192, 168, 50, 100}, kServer[4] = {10, 0, 0, 11};

bool isOfServer(const Bytes& packet) { return std::memcmp(&packet[12], kServer, 4) == 0; }

uint16_t clientPortOf(const Bytes& packet) { return loadBe16(&packet[isOfServer(packet) ? 22 : 20]); }

bool isControl(const Bytes& packet) { return loadBe16(&packet[isOfServer(packet) ? 20 : 22]) == kControlPort; }

std::string payloadOf(const Bytes& packet) {
  const size_t at = kTransport + (packet[kTransport + 12] >> 4) * size_t{4};
  return {packet.begin() + static_cast<ptrdiff_t>(at), packet.end()};
}

// Does what is not this folder's work: the router's TTL, and addresses; ports are not mapped.
void translate(Bytes& packet) {
  packet[8]--;
  const size_t field = isOfServer(packet) ? 12 : 16;
  const uint64_t before = checksumAdd(&packet[12], 8);
  std::memcpy(&packet[field], field == 12 ? kVip : kServer, 4);
  const Be16 check = checksumReplace({loadUnaligned<uint16_t>(&packet[36])}, {checksumFold(before)},
                                     {checksumFold(checksumAdd(&packet[12], 8))});
  std::memcpy(&packet[36], &check.raw, 2);
  testing::seal(std::span(packet).first(kTransport), 10);
}

// A Control mends a control connection as the director does.
class Control {
 public:
  Bytes forward(Bytes packet) {
    const bool fromServer = isOfServer(packet);
    const uint32_t sequence = loadBe32(&packet[kTransport + 4]);
    translate(packet);
    const std::span<uint8_t> tcp = std::span(packet).subspan(kTransport);
    if (!fromServer) {
      mendTcp(tcp.data(), tcp.size(), {}, server_);
      return packet;
    }
    const size_t headerBytes = (tcp[12] >> 4) * size_t{4};
    const auto reply = readPassiveReply(tcp.subspan(headerBytes));
    char text[kPassiveTextBytes];
    size_t length = 0;
    bool isReplaced = false;
    if (reply) {
      length = writePassive(text, IpAddress::v4(kVip[0], kVip[1], kVip[2], kVip[3]), reply->port);
      const auto removed = static_cast<uint32_t>(reply->changed().bytes);
      const auto inserted = static_cast<uint32_t>(removed - reply->text.bytes + length);
      isReplaced = server_.record(sequence + static_cast<uint32_t>(reply->line), removed, inserted);
    }
    mendTcp(tcp.data(), tcp.size(), server_, {});
    if (!isReplaced) return packet;
    const size_t before = packet.size();
    packet.resize(before + kPassiveTextBytes);
    const auto made = replacePayload(packet, before, kTransport, reply->text, {text, length});
    CHECK(made.has_value());
    packet.resize(made.value_or(before));
    return packet;
  }

 private:
  SequenceShift server_;
};

std::string hexOf(const Bytes& packet) {
  std::string text;
  for (const uint8_t byte : packet) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

std::string showOf(const Bytes& packet) {
  const std::string payload = payloadOf(packet);
  const std::span bytes(reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
  const auto place = [](const IpAddress& address, uint16_t port) {
    return toString(address) + ":" + std::to_string(port);
  };
  if (isOfServer(packet)) {
    if (const auto reply = readPassiveReply(bytes)) return "passive " + place(reply->address, reply->port);
    if (const auto reply = readExtendedPassive(bytes)) return "extended passive " + std::to_string(reply->port);
    return "";
  }
  const auto command = readFtpCommand(bytes);
  if (!command) return "";
  if (command->kind == FtpCommandKind::passive) return "PASV";
  if (command->kind == FtpCommandKind::extendedPassive)
    return "EPSV " + std::to_string(static_cast<int>(command->argument));
  return place(command->address, command->port);
}

}  // namespace

TEST("FTP's control connections leave as IPVS's did, byte for byte, and a 227 sent again is rewritten again") {
  const auto cases = testing::goldenCases("nat-ftp.json");
  if (!cases) SKIP("test/golden is not there");
  std::map<uint16_t, Control> controls;
  std::set<std::string> sentBefore;
  size_t compared = 0, rewritten = 0, again = 0, partly = 0;
  for (const GoldenCase& each : *cases) {
    if (each.in.size() != 1 || each.out.size() != 1 || !isControl(each.in[0])) continue;
    const Bytes& in = each.in[0];
    const Bytes got = controls[clientPortOf(in)].forward(in);
    const std::string payload = payloadOf(in);
    if (isOfServer(in) && !payload.empty() && !sentBefore.insert(hexOf(in)).second) {
      // IPVS lets it go on with the server's own address in it. Ours leaves as it did the first time.
      CHECK_EQ(payloadOf(each.out[0]), payload);
      CHECK_EQ(payloadOf(got), "227 Entering Passive Mode (192,168,50,100,195,80).\r\n");
      again++;
      continue;
    }
    if (!isOfServer(in) && clientPortOf(in) == kRepeated && loadBe32(&in[kTransport + 8]) == kPartOfReply) {
      // The recorded client got that copy last, which is shorter, and acknowledges its end. That number lies within the
      // reply as it left the first time, so to the server none of the reply has arrived.
      CHECK_EQ(loadBe32(&each.out[0][kTransport + 8]), kPartOfReply - 5);
      CHECK_EQ(loadBe32(&got[kTransport + 8]), kReply);
      partly++;
      continue;
    }
    if (!CHECK_EQ(hexOf(got), hexOf(each.out[0]))) std::printf("      in %s\n", each.name.c_str());
    rewritten += payloadOf(got) != payload ? 1 : 0;
    compared++;
  }
  CHECK_EQ(compared, 59);
  CHECK_EQ(rewritten, 4);
  CHECK_EQ(again, 1);
  CHECK_EQ(partly, 2);
}

TEST("what IPVS's clients and servers said of data connections is read as its entries show it") {
  const auto cases = testing::goldenCases("nat-ftp.json");
  if (!cases) SKIP("test/golden is not there");
  std::vector<std::string> read;
  for (const GoldenCase& each : *cases) {
    if (each.in.size() != 1 || !isControl(each.in[0])) continue;
    const std::string said = showOf(each.in[0]);
    if (!said.empty()) read.push_back(said);
  }
  // Between the last two PASV are a reply in two pieces and one without parentheses, behind them one with a 300.
  const std::vector<std::string> expected = {"PASV",
                                             "passive 10.0.0.11:50000",
                                             "passive 10.0.0.11:50000",
                                             "PASV",
                                             "passive 10.0.0.11:1025",
                                             "PASV",
                                             "passive 10.0.0.12:1026",
                                             "PASV",
                                             "PASV",
                                             "passive 10.0.0.11:1028",
                                             "PASV",
                                             "EPSV 0",
                                             "extended passive 50001",
                                             "EPSV 1",
                                             "extended passive 50003",
                                             "172.16.5.9:50010",
                                             "192.168.1.1:50011",
                                             "172.16.5.9:50011",
                                             "2001:db8::1:50012"};
  CHECK_EQ(read, expected);
}

}  // namespace tunvs::ftp_golden_test
