#include "support/golden_states.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "support/golden.h"
#include "support/golden_cases.h"

namespace tunvs::testing {
namespace {

constexpr uint8_t kRecordedClient[] = {172, 16, 5, 9};
constexpr std::string_view kCase = "{\"case\":\"", kEvent = "{\"event\":\"";

// As in golden_cases.cc, this reads the form of the one program that wrote the traces, not JSON. The part begins behind
// `opening`, and is empty when the line does not have it.
std::string_view partBehind(std::string_view line, std::string_view opening) {
  const size_t at = line.find(opening);
  return at == std::string_view::npos ? std::string_view() : line.substr(at + opening.size());
}
std::string textBehind(std::string_view line, std::string_view opening) {
  const std::string_view part = partBehind(line, opening);
  return std::string(part.substr(0, part.find('"')));
}
uint32_t numberBehind(std::string_view line, std::string_view opening) {
  const std::string_view part = partBehind(line, opening);
  uint32_t number = 0;
  if (std::from_chars(part.data(), part.data() + part.size(), number).ec != std::errc()) std::abort();
  return number;
}

std::optional<GoldenStep::Entry> entryOf(std::string_view line) {
  std::string_view entries = partBehind(line, "\"entries\":[");
  entries = entries.substr(0, entries.find(']'));
  if (entries.empty()) return std::nullopt;
  if (std::count(entries.begin(), entries.end(), '{') != 1) std::abort();
  return GoldenStep::Entry{textBehind(entries, "\"client\":\""), textBehind(entries, "\"state\":\""),
                           numberBehind(entries, "\"expires\":")};
}

GoldenStep stepOf(std::string_view line) {
  GoldenStep step;
  if (line.starts_with(kEvent)) {
    step.name = textBehind(line, kEvent);
  } else {
    step.name = textBehind(line, kCase);
    step.packet = fromHex(textBehind(line, "\"in\":[\""));
    if (step.packet.size() < 20) std::abort();
    step.isFromClient = std::equal(std::begin(kRecordedClient), std::end(kRecordedClient), step.packet.begin() + 12);
  }
  step.entry = entryOf(line);
  const std::string_view servers = partBehind(line, "\"servers\":[");
  if (servers.empty()) return step;
  step.service = textBehind(servers, "\"service\":\"");
  step.active = numberBehind(servers, "\"active\":");
  step.inactive = numberBehind(servers, "\"inactive\":");
  return step;
}

}  // namespace

std::optional<std::vector<GoldenStep>> goldenSteps(const std::string& name) {
  const auto text = goldenText(name);
  if (!text) return std::nullopt;
  std::vector<GoldenStep> steps;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kCase) || line.starts_with(kEvent)) steps.push_back(stepOf(line));
  }
  return steps;
}

}  // namespace tunvs::testing
