// A small test registry: TEST("sentence about behaviour") { CHECK(claim); CHECK_EQ(got, expected); }
//
// Thread safety: CHECK may be used from any thread of a running test; TEST, REQUIRE and SKIP from the main thread.
#pragma once

#include <concepts>
#include <cstdio>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tunvs::testing {

// By how much to divide the random inputs of a test that tries many. A thread sanitizer makes every memory access many
// times as slow, and has nothing to find in one thread; an address sanitizer makes each new director dear.
#if defined(__has_feature)
#define TUNVS_SANITIZED(name) __has_feature(name##_sanitizer)
#else
#define TUNVS_SANITIZED(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || TUNVS_SANITIZED(thread)
inline constexpr uint64_t kFewer = 10;
#elif defined(__SANITIZE_ADDRESS__) || TUNVS_SANITIZED(address)
inline constexpr uint64_t kFewer = 5;
#else
inline constexpr uint64_t kFewer = 1;
#endif

using TestFunction = void (*)();

// Adds a test to the list that runTests() walks; the result only gives a static initialiser something to hold.
bool registerTest(const char* file, int line, const char* sentence, TestFunction function);

// Marks the running test as failed and prints where and why, below its sentence.
void fail(const char* file, int line, const std::string& message);

// Marks the running test as not run because something is missing (a privilege, a device).
void skip(const std::string& reason);

// Runs the tests whose sentence or file holds `filter`; returns the exit status for main().
int runTests(std::string_view filter);

template <typename T>
concept Text = std::convertible_to<const T&, std::string_view> && !std::is_null_pointer_v<T>;

template <typename T>
concept HasToString = requires(const T& value) {
  { value.toString() } -> std::convertible_to<std::string>;
};

template <typename T>
concept HasFreeToString = requires(const T& value) {
  { toString(value) } -> std::convertible_to<std::string>;
};

// Returns a value as a failure message shows it.
template <typename T>
std::string show(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (Text<T>) {
    if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr) return "nullptr";
    }
    return '"' + std::string(std::string_view(value)) + '"';
  } else if constexpr (std::integral<T>) {
    return std::to_string(value);
  } else if constexpr (std::floating_point<T>) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    return text;
  } else if constexpr (HasToString<T>) {
    return value.toString();
  } else if constexpr (HasFreeToString<T>) {
    return toString(value);
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_null_pointer_v<T>) {
    return "nullptr";
  } else if constexpr (std::is_pointer_v<T>) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", static_cast<const void*>(value));
    return text;
  } else if constexpr (std::ranges::input_range<const T>) {
    std::string text = "[";
    for (const auto& element : value) text += (text.size() > 1 ? ", " : "") + show(element);
    return text + "]";
  } else {
    return "<value>";
  }
}

// Compares as a reader means it: texts by content, integers by value whatever their signs, all else by ==.
template <typename A, typename B>
bool isEqual(const A& a, const B& b) {
  if constexpr (Text<A> && Text<B>) {
    return std::string_view(a) == std::string_view(b);
  } else if constexpr (std::integral<A> && std::integral<B>) {
    if constexpr (std::is_signed_v<A> && !std::is_signed_v<B>) {
      return a >= 0 && static_cast<std::make_unsigned_t<A>>(a) == b;
    } else if constexpr (!std::is_signed_v<A> && std::is_signed_v<B>) {
      return b >= 0 && a == static_cast<std::make_unsigned_t<B>>(b);
    } else {
      return a == b;
    }
  } else {
    return a == b;
  }
}

template <typename A, typename B>
bool checkEqual(const char* file, int line, const char* claim, const A& a, const B& b) {
  if (isEqual(a, b)) return true;
  fail(file, line, std::string(claim) + "\n      got      " + show(a) + "\n      expected " + show(b));
  return false;
}

inline bool check(const char* file, int line, const char* claim, bool holds) {
  if (!holds) fail(file, line, claim);
  return holds;
}

}  // namespace tunvs::testing

#define TUNVS_TEST_JOIN_(a, b) a##b
#define TUNVS_TEST_NAME_(number) TUNVS_TEST_JOIN_(tunvsTest, number)
#define TUNVS_TEST_(sentence, name)                                       \
  static void name();                                                     \
  [[maybe_unused]] static const bool TUNVS_TEST_JOIN_(name, Registered) = \
      ::tunvs::testing::registerTest(__FILE__, __LINE__, sentence, name); \
  static void name()

#define TEST(sentence) TUNVS_TEST_(sentence, TUNVS_TEST_NAME_(__COUNTER__))

// The test goes on after a failure.
#define CHECK(...) \
  ::tunvs::testing::check(__FILE__, __LINE__, "CHECK(" #__VA_ARGS__ ")", static_cast<bool>(__VA_ARGS__))
#define CHECK_EQ(got, ...) \
  ::tunvs::testing::checkEqual(__FILE__, __LINE__, "CHECK_EQ(" #got ", " #__VA_ARGS__ ")", got, __VA_ARGS__)

// Leaves the test (or a void function that it calls) after a failure.
#define REQUIRE(...)                                                                                                 \
  do {                                                                                                               \
    if (!::tunvs::testing::check(__FILE__, __LINE__, "REQUIRE(" #__VA_ARGS__ ")", static_cast<bool>(__VA_ARGS__))) { \
      return;                                                                                                        \
    }                                                                                                                \
  } while (false)

// Leaves the test, counted as skipped.
#define SKIP(reason)                \
  do {                              \
    ::tunvs::testing::skip(reason); \
    return;                         \
  } while (false)
