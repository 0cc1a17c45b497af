// Whatever a payload holds, what is read lies within it and in a complete line, and says again what it said when it is
// written anew.
#include <cstdlib>
#include <string_view>

#include "ftp/ftp_text.h"
#include "support/raw_bytes.h"

using namespace tunvs;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void requireLine(std::string_view payload, size_t end) {
  require(end > 0 && end <= payload.size() && payload[end - 1] == '\n');
}

void checkPassive(std::span<const uint8_t> bytes, std::string_view payload) {
  const auto reply = readPassiveReply(bytes);
  if (!reply) return;
  requireLine(payload, reply->end);
  require(reply->line == 0 || payload[reply->line - 1] == '\n');
  require(payload.substr(reply->line).starts_with("227 "));
  require(reply->text.offset >= reply->line + 4 && reply->text.end() < reply->end);
  require(reply->text.bytes >= 11 && reply->text.bytes <= kPassiveTextBytes && reply->changed().end() < reply->end);
  require(reply->address.isV4() && reply->port != 0);

  char text[kPassiveTextBytes];
  const size_t length = writePassive(text, reply->address, reply->port);
  require(length > 0 && length <= reply->text.bytes);  // numbers may have had zeros in front
  std::string anew(payload);
  anew.replace(reply->text.offset, reply->text.bytes, text, length);
  const auto again = readPassiveReply({reinterpret_cast<const uint8_t*>(anew.data()), anew.size()});
  require(again && again->text == PayloadRange{reply->text.offset, length});
  require(again->address == reply->address && again->port == reply->port);
}

void checkExtendedPassive(std::span<const uint8_t> bytes, std::string_view payload) {
  const auto reply = readExtendedPassive(bytes);
  if (!reply) return;
  requireLine(payload, reply->end);
  require(reply->port != 0);
}

void checkCommands(std::span<const uint8_t> bytes, std::string_view payload) {
  size_t from = 0;
  while (const auto command = readFtpCommand(bytes.subspan(from))) {
    requireLine(payload.substr(from), command->end);
    const bool listens = command->kind == FtpCommandKind::port || command->kind == FtpCommandKind::extendedPort;
    require((command->port != 0) == listens);
    if (command->kind == FtpCommandKind::port) require(command->address.isV4());
    if (command->kind != FtpCommandKind::extendedPassive) require(command->argument == ExtendedPassiveArgument::none);
    from += command->end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const testing::Exact held({data, size});
  const std::string_view payload(reinterpret_cast<const char*>(held.span().data()), size);
  checkPassive(held.span(), payload);
  checkExtendedPassive(held.span(), payload);
  checkCommands(held.span(), payload);
  return 0;
}
