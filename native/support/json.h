// Reads JSON, for tests of what was recorded in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tunvs::testing {

// A Json is a value of a recording. Whoever asks one for what it is not gets nothing: no text, 0, no items.
class Json {
 public:
  // Aborts on what is not JSON, and on characters that are not ASCII.
  static Json parse(std::string_view text);

  bool isNull() const { return kind_ == Kind::null; }
  const std::string& text() const { return text_; }
  int64_t integer() const { return static_cast<int64_t>(number_); }
  bool boolean() const { return number_ != 0; }
  // Returns an array's items, or an object's values in its order.
  const std::vector<Json>& items() const { return items_; }
  // Returns an object's keys, as many as items().
  const std::vector<std::string>& keys() const { return keys_; }
  // Returns null for a key that is not there.
  const Json& operator[](std::string_view key) const;

 private:
  friend class JsonParser;
  enum class Kind : uint8_t { null, boolean, number, text, array, object };

  Kind kind_ = Kind::null;
  double number_ = 0;
  std::string text_;
  std::vector<Json> items_;
  std::vector<std::string> keys_;
};

// Returns test/golden/`name`; nullopt when it is not there.
std::optional<Json> goldenJson(const std::string& name);

}  // namespace tunvs::testing
