// Reads the cases of a recorded trace of bytes (test/golden/encap*.json): packets in, packets out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tunvs::testing {

struct GoldenCase {
  std::string name;
  std::vector<std::vector<uint8_t>> in;   // IP packets
  std::vector<std::vector<uint8_t>> out;  // IP packets
};

// Returns the cases in the order of the file, without events; nullopt when test/golden/`name` is not there.
std::optional<std::vector<GoldenCase>> goldenCases(const std::string& name);

// Reads bytes written in hexadecimal; blanks are skipped. Aborts on anything else.
std::vector<uint8_t> fromHex(std::string_view hex);

}  // namespace tunvs::testing
