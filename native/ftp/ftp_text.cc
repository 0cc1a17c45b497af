#include "ftp/ftp_text.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <string_view>

namespace tunvs {
namespace {

constexpr size_t kOctetDigits = 3;
constexpr size_t kPortDigits = 5;
constexpr size_t kAddressCharacters = 45;  // of the longest text of an IPv6 address; what is longer is not copied

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isOfNumbers(char c) { return isDigit(c) || c == ','; }
constexpr bool isDelimiter(char c) { return c >= 33 && c <= 126; }
constexpr bool isSpace(char c) { return c == ' ' || c == '\t'; }

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool isWord(std::string_view text, std::string_view upperWord) {
  return std::equal(text.begin(), text.end(), upperWord.begin(), upperWord.end(),
                    [](char a, char b) { return upper(a) == b; });
}

struct Line {
  std::string_view text;  // without its end
  size_t offset = 0;
  size_t end = 0;  // behind LF
};

// Returns the line that begins at `offset`; nullopt when no line ends there.
std::optional<Line> lineAt(std::string_view payload, size_t offset) {
  const size_t feed = payload.find('\n', offset);
  if (feed == std::string_view::npos) return std::nullopt;
  std::string_view text = payload.substr(offset, feed - offset);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return Line{text, offset, feed + 1};
}

// Returns what `read` makes of the first complete line that it makes something of.
template <typename T>
std::optional<T> firstOfLines(std::span<const uint8_t> payload, std::optional<T> (*read)(const Line&)) {
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  for (auto line = lineAt(text, 0); line; line = lineAt(text, line->end)) {
    if (auto found = read(*line)) return found;
  }
  return std::nullopt;
}

// Takes a number off the front; nullopt when there is none, or one that is longer or larger than that.
std::optional<uint16_t> takeNumber(std::string_view& text, size_t mostDigits, uint32_t largest) {
  uint32_t value = 0;
  size_t digits = 0;
  for (; digits < text.size() && isDigit(text[digits]); digits++) {
    if (digits == mostDigits) return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(text[digits] - '0');
  }
  if (digits == 0 || value > largest) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<uint16_t>(value);
}

// Takes the front up to `delimiter`, and that too; nullopt when there is none.
std::optional<std::string_view> takeField(std::string_view& text, char delimiter) {
  const size_t at = text.find(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, at);
  text.remove_prefix(at + 1);
  return field;
}

// Reads a port that is all of `text`.
std::optional<uint16_t> portOf(std::string_view text) {
  const auto port = takeNumber(text, kPortDigits, 65535);
  return port && *port != 0 && text.empty() ? port : std::nullopt;
}

struct Place {
  IpAddress address;
  uint16_t port = 0;
};

// Reads six numbers that are all of `text`.
std::optional<Place> placeOf(std::string_view text) {
  uint8_t numbers[6];
  for (size_t i = 0; i < 6; i++) {
    if (i > 0) {
      if (text.empty() || text.front() != ',') return std::nullopt;
      text.remove_prefix(1);
    }
    const auto number = takeNumber(text, kOctetDigits, 255);
    if (!number) return std::nullopt;
    numbers[i] = static_cast<uint8_t>(*number);
  }
  const uint16_t port = loadBe16(numbers + 4);
  if (!text.empty() || port == 0) return std::nullopt;
  return Place{IpAddress::v4(numbers[0], numbers[1], numbers[2], numbers[3]), port};
}

std::optional<PassiveReply> passiveReplyOf(const Line& line) {
  constexpr std::string_view kCode = "227 ";
  if (!line.text.starts_with(kCode)) return std::nullopt;
  for (size_t at = kCode.size(); at < line.text.size();) {
    const char* const begin = line.text.data() + at;
    const char* const behind = std::find_if_not(begin, line.text.data() + line.text.size(), isOfNumbers);
    std::string_view run(begin, static_cast<size_t>(behind - begin));
    at += run.size() + 1;
    // A comma may belong to the words around.
    while (!run.empty() && run.front() == ',') run.remove_prefix(1);
    while (!run.empty() && run.back() == ',') run.remove_suffix(1);
    const auto place = placeOf(run);
    if (!place) continue;
    const size_t offset = line.offset + static_cast<size_t>(run.data() - line.text.data());
    return PassiveReply{{offset, run.size()}, line.offset, line.end, place->address, place->port};
  }
  return std::nullopt;
}

// Reads "|||port|)", with any delimiter.
std::optional<uint16_t> extendedPortOf(std::string_view text) {
  if (text.empty() || !isDelimiter(text[0])) return std::nullopt;
  const char delimiter = text[0];
  for (size_t i = 0; i < 3; i++) {
    if (!text.starts_with(delimiter)) return std::nullopt;
    text.remove_prefix(1);
  }
  const auto port = takeField(text, delimiter);
  return port && text.starts_with(')') ? portOf(*port) : std::nullopt;
}

std::optional<ExtendedPassiveReply> extendedPassiveOf(const Line& line) {
  if (!line.text.starts_with("229 ")) return std::nullopt;
  for (size_t at = line.text.find('('); at != std::string_view::npos; at = line.text.find('(', at + 1)) {
    if (const auto port = extendedPortOf(line.text.substr(at + 1))) return ExtendedPassiveReply{line.end, *port};
  }
  return std::nullopt;
}

// Reads "|1|192.0.2.1|50000|" or "|2|2001:db8::1|50000|", with any delimiter.
std::optional<Place> extendedPlaceOf(std::string_view text) {
  if (text.empty() || !isDelimiter(text[0])) return std::nullopt;
  const char delimiter = text[0];
  text.remove_prefix(1);
  const auto family = takeField(text, delimiter);
  const auto host = takeField(text, delimiter);
  const auto service = takeField(text, delimiter);
  if (!family || !host || !service || !text.empty()) return std::nullopt;
  if (host->size() > kAddressCharacters || (*family != "1" && *family != "2")) return std::nullopt;
  const auto address = parseIpAddress(*host);
  const auto port = portOf(*service);
  if (!address || !port || address.value().isV4() != (*family == "1")) return std::nullopt;
  return Place{address.value(), *port};
}

std::optional<ExtendedPassiveArgument> argumentOf(std::string_view text) {
  if (text.empty()) return ExtendedPassiveArgument::none;
  if (text == "1") return ExtendedPassiveArgument::ipv4;
  if (text == "2") return ExtendedPassiveArgument::ipv6;
  if (isWord(text, "ALL")) return ExtendedPassiveArgument::all;
  return std::nullopt;
}

std::optional<FtpCommand> listeningClient(FtpCommandKind kind, const Line& line, const std::optional<Place>& place) {
  if (!place) return std::nullopt;
  return FtpCommand{kind, ExtendedPassiveArgument::none, line.end, place->address, place->port};
}

std::optional<FtpCommand> commandOf(const Line& line) {
  const char* const begin = line.text.data();
  const char* const end = begin + line.text.size();
  const std::string_view word(begin, static_cast<size_t>(std::find_if(begin, end, isSpace) - begin));
  std::string_view rest = line.text.substr(word.size());
  while (!rest.empty() && isSpace(rest.front())) rest.remove_prefix(1);
  while (!rest.empty() && isSpace(rest.back())) rest.remove_suffix(1);

  if (isWord(word, "PORT")) return listeningClient(FtpCommandKind::port, line, placeOf(rest));
  if (isWord(word, "EPRT")) return listeningClient(FtpCommandKind::extendedPort, line, extendedPlaceOf(rest));
  if (isWord(word, "PASV") && rest.empty())
    return FtpCommand{FtpCommandKind::passive, ExtendedPassiveArgument::none, line.end, {}, 0};
  if (!isWord(word, "EPSV")) return std::nullopt;
  const auto argument = argumentOf(rest);
  if (!argument) return std::nullopt;
  return FtpCommand{FtpCommandKind::extendedPassive, *argument, line.end, {}, 0};
}

}  // namespace

std::optional<PassiveReply> readPassiveReply(std::span<const uint8_t> payload) {
  return firstOfLines(payload, passiveReplyOf);
}

std::optional<ExtendedPassiveReply> readExtendedPassive(std::span<const uint8_t> payload) {
  return firstOfLines(payload, extendedPassiveOf);
}

std::optional<FtpCommand> readFtpCommand(std::span<const uint8_t> payload) { return firstOfLines(payload, commandOf); }

size_t writePassive(std::span<char> room, const IpAddress& address, uint16_t port) {
  assert(address.isV4());
  const uint8_t* const host = address.bytes.data();
  const uint8_t numbers[6] = {
      host[0], host[1], host[2], host[3], static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
  char* const end = room.data() + room.size();
  char* at = room.data();
  for (size_t i = 0; i < 6; i++) {
    if (i > 0) {
      if (at == end) return 0;
      *at++ = ',';
    }
    const auto written = std::to_chars(at, end, numbers[i]);
    if (written.ec != std::errc()) return 0;
    at = written.ptr;
  }
  return static_cast<size_t>(at - room.data());
}

}  // namespace tunvs
