#include "support/testing.h"

#include <array>
#include <vector>

using tunvs::testing::isEqual;
using tunvs::testing::show;

namespace {
enum class Colour : uint8_t { red = 3 };
struct Opaque {};
}  // namespace

TEST("a failure shows values as a reader would write them") {
  CHECK_EQ(show(true), "true");
  CHECK_EQ(show(uint8_t{7}), "7");
  CHECK_EQ(show(-1), "-1");
  CHECK_EQ(show(0.5), "0.5");
  CHECK_EQ(show(Colour::red), "3");
  CHECK_EQ(show("text"), "\"text\"");
  CHECK_EQ(show(std::string("text")), "\"text\"");
  CHECK_EQ(show(nullptr), "nullptr");
  CHECK_EQ(show(std::array<uint8_t, 2>{1, 2}), "[1, 2]");
  CHECK_EQ(show(Opaque{}), "<value>");
}

TEST("integers are compared by value whatever their signs") {
  CHECK(isEqual(1, 1u));
  CHECK(!isEqual(-1, 0xffffffffu));
  CHECK(!isEqual(0xffffffffffffffffu, -1));
  CHECK(isEqual(uint8_t{255}, 255));
}

TEST("texts are compared by content and ranges by elements") {
  const char* text = "abc";
  CHECK(isEqual(text, std::string("abc")));
  CHECK(!isEqual(std::string_view("abc"), "abd"));
  CHECK(isEqual(std::vector{1, 2}, std::vector{1, 2}));
  CHECK(!isEqual(std::vector{1, 2}, std::vector{1, 3}));
}
