#include "ftp/ftp_text.h"

#include <string>

#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::ftp_text_test {
namespace {

using testing::Exact;

Exact held(const std::string& text) { return Exact({reinterpret_cast<const uint8_t*>(text.data()), text.size()}); }

std::string placeOf(const IpAddress& address, uint16_t port) { return toString(address) + " " + std::to_string(port); }

// Returns the text that would be replaced, and what it says.
std::string passiveOf(const std::string& payload) {
  const Exact bytes = held(payload);
  const auto reply = readPassiveReply(bytes.span());
  if (!reply) return "none";
  return payload.substr(reply->text.offset, reply->text.bytes) + " = " + placeOf(reply->address, reply->port);
}

uint16_t extendedOf(const std::string& payload) {
  const Exact bytes = held(payload);
  const auto reply = readExtendedPassive(bytes.span());
  return reply ? reply->port : 0;
}

std::string commandOf(const std::string& payload) {
  const Exact bytes = held(payload);
  const auto command = readFtpCommand(bytes.span());
  if (!command) return "none";
  switch (command->kind) {
    case FtpCommandKind::port: return "port " + placeOf(command->address, command->port);
    case FtpCommandKind::extendedPort: return "extended port " + placeOf(command->address, command->port);
    case FtpCommandKind::passive: return "passive";
    case FtpCommandKind::extendedPassive: break;
  }
  switch (command->argument) {
    case ExtendedPassiveArgument::none: return "extended passive";
    case ExtendedPassiveArgument::ipv4: return "extended passive ipv4";
    case ExtendedPassiveArgument::ipv6: return "extended passive ipv6";
    case ExtendedPassiveArgument::all: return "extended passive all";
  }
  return "";
}

std::string written(const IpAddress& address, uint16_t port, size_t room) {
  const Exact bytes(room);
  const std::span<char> text(reinterpret_cast<char*>(bytes.span().data()), room);
  return {text.data(), writePassive(text, address, port)};
}

TEST("a 227 is read with parentheses, without them, and behind any words") {
  for (const char* words : {"227 Entering Passive Mode (*).\r\n", "227 =*\r\n", "227 *\n", "227 Mode, *, now\r\n",
                            "227 In 2 steps, 1,2: (*)\r\n", "227 (*)", "227  \t*\r\n"}) {
    std::string payload = words;
    payload.replace(payload.find('*'), 1, "10,0,0,11,195,80");
    const bool isComplete = payload.ends_with('\n');
    CHECK_EQ(passiveOf(payload), isComplete ? "10,0,0,11,195,80 = 10.0.0.11 50000" : "none");
  }
  CHECK_EQ(passiveOf("227 (010,000,0,011,000,021)\r\n"), "010,000,0,011,000,021 = 10.0.0.11 21");
  CHECK_EQ(passiveOf("227 (255,255,255,255,255,255)\r\n"), "255,255,255,255,255,255 = 255.255.255.255 65535");
}

TEST("a 227 is not read from text that is not six numbers of a byte each") {
  for (const char* text :
       {"10,0,0,11,300,4", "10,0,0,11,4", "10,0,0,11,4,1,1", "10,0,0,,11,4,1", "10, 0, 0, 11, 4, 1", "10.0.0.11.4.1",
        "-10,0,0,11,4,x", "256,0,0,0,4,1", "0010,0,0,11,4,1", "10,0,0,11,0,0", "99999999999999999999,0,0,11,4,1", ""})
    CHECK_EQ(passiveOf("227 Entering Passive Mode (" + std::string(text) + ").\r\n"), "none");
  CHECK_EQ(passiveOf("227 (10,0,0,11,4," + std::string(5000, '1') + ")\r\n"), "none");
  CHECK_EQ(passiveOf("227 (" + std::string(5000, ',') + ")\r\n"), "none");
  CHECK_EQ(passiveOf(std::string("227 (10,0,0\0,11,4,1)\r\n", 23)), "none");
  CHECK_EQ(passiveOf(std::string("227 \0(10,0,0,11,4,1)\0\r\n", 23)), "10,0,0,11,4,1 = 10.0.0.11 1025");
}

TEST("a 227 is read at the beginning of a line only, and the first one is found") {
  CHECK_EQ(passiveOf("331 go on\r\n227 (1,2,3,4,5,6)\r\n227 (2,2,3,4,5,6)\r\n"), "1,2,3,4,5,6 = 1.2.3.4 1286");
  CHECK_EQ(passiveOf("227 nothing\r\n227 (1,2,3,4,5,6)\r\n"), "1,2,3,4,5,6 = 1.2.3.4 1286");
  for (const char* payload :
       {" 227 (1,2,3,4,5,6)\r\n", "x227 (1,2,3,4,5,6)\r\n", "2270 (1,2,3,4,5,6)\r\n", "227-(1,2,3,4,5,6)\r\n",
        "227(1,2,3,4,5,6)\r\n", "226 (1,2,3,4,5,6)\r\n", "227 (1,2,3,\r\n4,5,6)\r\n", "227 (1,2,3,4,5,6)\r"})
    CHECK_EQ(passiveOf(payload), "none");

  const std::string payload = "200 ok\r\n227 go (1,2,3,4,5,6)\r\n227 (2,2,3,4,5,6)\r\n";
  const Exact bytes = held(payload);
  const auto reply = readPassiveReply(bytes.span());
  REQUIRE(reply);
  CHECK_EQ(reply->line, 8);
  CHECK_EQ(payload.substr(reply->changed().offset, reply->changed().bytes), "227 go (1,2,3,4,5,6");
  CHECK_EQ(payload.substr(reply->end), "227 (2,2,3,4,5,6)\r\n");
}

TEST("no payload that is cut off within a line is read, wherever it is cut") {
  for (const std::string whole : {"227 Entering Passive Mode (10,0,0,11,195,80).\r\n", "229 ok (|||50001|)\r\n",
                                  "PORT 172,16,5,9,195,90\r\n", "EPRT |2|2001:db8::1|50012|\r\n", "EPSV ALL\r\n"}) {
    for (size_t length = 0; length < whole.size(); length++) {
      const std::string cut = whole.substr(0, length);
      CHECK_EQ(passiveOf(cut), "none");
      CHECK_EQ(extendedOf(cut), 0);
      CHECK_EQ(commandOf(cut), "none");
    }
  }
}

TEST("a 229 names a port between any delimiters") {
  CHECK_EQ(extendedOf("229 Entering Extended Passive Mode (|||50001|)\r\n"), 50001);
  CHECK_EQ(extendedOf("229 (see below) (!!!21!)\n"), 21);
  CHECK_EQ(extendedOf("200 ok\r\n229 (|||00021|).\r\n229 (|||22|)\r\n"), 21);
  for (int delimiter = 0; delimiter < 256; delimiter++) {
    const auto c = static_cast<char>(delimiter);
    std::string text = "229 (***65535*)\r\n";
    for (char& each : text) each = each == '*' ? c : each;
    // The digits of the port can't be delimiters of it.
    const bool isTaken = delimiter >= 33 && delimiter <= 126 && c != '6' && c != '5' && c != '3';
    CHECK_EQ(extendedOf(text), isTaken ? 65535 : 0);
  }
}

TEST("a 229 without a port between delimiters is not read") {
  for (const char* text :
       {"(|||0|)", "(|||65536|)", "(|||123456|)", "(||||)", "(|||21)", "(||21|)", "(|||21|", "|||21|", "(|1||21|)",
        "(||10.0.0.11|21|)", "(|||21|x)", "(|||-1|)", "(||!21|)", "(", "()", "(|", "(   21 )"})
    CHECK_EQ(extendedOf("229 " + std::string(text) + "\r\n"), 0);
  CHECK_EQ(extendedOf("229 (|||" + std::string(3000, '9') + "|)\r\n"), 0);
  CHECK_EQ(extendedOf("227 (|||21|)\r\n"), 0);
  CHECK_EQ(extendedOf("229-(|||21|)\r\n"), 0);
}

TEST("the client's commands are read in any case, with their addresses and arguments") {
  CHECK_EQ(commandOf("PORT 172,16,5,9,195,90\r\n"), "port 172.16.5.9 50010");
  CHECK_EQ(commandOf("port \t 192,168,1,1,195,91 \r\n"), "port 192.168.1.1 50011");
  CHECK_EQ(commandOf("EPRT |1|172.16.5.9|50011|\r\n"), "extended port 172.16.5.9 50011");
  CHECK_EQ(commandOf("eprt !2!2001:db8::1!50012!\n"), "extended port 2001:db8::1 50012");
  CHECK_EQ(commandOf("PASV\r\n"), "passive");
  CHECK_EQ(commandOf("Pasv \n"), "passive");
  CHECK_EQ(commandOf("EPSV\r\n"), "extended passive");
  CHECK_EQ(commandOf("epsv 1\r\n"), "extended passive ipv4");
  CHECK_EQ(commandOf("EPSV 2\r\n"), "extended passive ipv6");
  CHECK_EQ(commandOf("EPSV all\r\n"), "extended passive all");
}

TEST("what is no command of a data connection is passed over") {
  CHECK_EQ(commandOf("USER joe\r\nPORT 1,2,3,4,5\r\nEPSV\r\nPASV\r\n"), "extended passive");
  for (const char* line : {"",
                           "\r",
                           "PORT",
                           "PORT 1,2,3,4,5,256",
                           "PORT 1,2,3,4,0,0",
                           "PORT 1,2,3,4,5,6,7",
                           "PORT (1,2,3,4,5,6)",
                           "PORT1,2,3,4,5,6",
                           " PASV",
                           "PASV 1",
                           "XPASV",
                           "PASVX",
                           "EPSV 3",
                           "EPSV 1 2",
                           "EPSVALL",
                           "EPRT",
                           "EPRT |",
                           "EPRT |1|10.0.0.1|21",
                           "EPRT |1|10.0.0.1|21|x",
                           "EPRT |1|2001:db8::1|21|",
                           "EPRT |2|10.0.0.1|21|",
                           "EPRT |3|10.0.0.1|21|",
                           "EPRT |1|10.0.0|21|",
                           "EPRT |1|10.0.0.1|0|",
                           "EPRT |1|10.0.0.1|65536|",
                           "EPRT |1||21|",
                           "EPRT |2|fe80::1%eth0|21|",
                           "EPRT 1|1|10.0.0.1|21|"})
    CHECK_EQ(commandOf(std::string(line) + "\r\n"), "none");
  CHECK_EQ(commandOf("EPRT |2|" + std::string(4000, ':') + "|21|\r\n"), "none");
  CHECK_EQ(commandOf(std::string("EPRT |1|10.0.0.1\0|21|\r\n", 22)), "none");
  CHECK_EQ(commandOf(std::string("PASV\0\r\n", 7)), "none");
}

TEST("a caller finds all commands of a payload one behind the other") {
  const std::string payload = "pasv\r\nUSER x\r\nEPSV 1\r\n\r\nPORT 1,2,3,4,5,6\nQUIT\r\nPA";
  const Exact bytes = held(payload);
  std::string kinds;
  std::span<const uint8_t> rest = bytes.span();
  while (const auto command = readFtpCommand(rest)) {
    kinds += std::to_string(static_cast<int>(command->kind));
    rest = rest.subspan(command->end);
  }
  CHECK_EQ(kinds, "230");
  CHECK_EQ(rest.size(), std::string("QUIT\r\nPA").size());
}

TEST("a written address reads as it was, and is not written where there is no room") {
  CHECK_EQ(written(IpAddress::v4(192, 168, 50, 100), 50000, 64), "192,168,50,100,195,80");
  CHECK_EQ(written(IpAddress::v4(255, 255, 255, 255), 65535, kPassiveTextBytes), "255,255,255,255,255,255");
  testing::Random random(227);
  for (int i = 0; i < 2000; i++) {
    const IpAddress address = IpAddress::v4(Be32{static_cast<uint32_t>(random.next())});
    const auto port = static_cast<uint16_t>(1 + random.below(65535));
    const std::string text = written(address, port, kPassiveTextBytes);
    CHECK_EQ(passiveOf("227 x (" + text + ").\r\n"), text + " = " + placeOf(address, port));
    CHECK_EQ(written(address, port, text.size()), text);
    for (size_t room = 0; room < text.size(); room++) CHECK_EQ(written(address, port, room), "");
  }
}

}  // namespace
}  // namespace tunvs::ftp_text_test
