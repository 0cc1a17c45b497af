#include "support/json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "support/golden.h"

namespace tunvs::testing {

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  Json whole() {
    Json json = value();
    skipBlanks();
    require(text_.empty());
    return json;
  }

 private:
  static void require(bool holds) {
    if (!holds) std::abort();
  }
  void skipBlanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }
  bool takes(std::string_view word) {
    skipBlanks();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  char take() {
    require(!text_.empty());
    const char first = text_.front();
    text_.remove_prefix(1);
    return first;
  }

  Json value() {
    Json json;
    if (takes("null")) return json;
    if (takes("{")) return collection(Json::Kind::object, "}");
    if (takes("[")) return collection(Json::Kind::array, "]");
    if (takes("\"")) {
      json.kind_ = Json::Kind::text;
      json.text_ = restOfText();
      return json;
    }
    const bool isTrue = takes("true");
    if (isTrue || takes("false")) {
      json.kind_ = Json::Kind::boolean;
      json.number_ = isTrue ? 1 : 0;
      return json;
    }
    json.kind_ = Json::Kind::number;
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), json.number_);
    require(read.ec == std::errc());
    text_.remove_prefix(static_cast<size_t>(read.ptr - text_.data()));
    return json;
  }

  Json collection(Json::Kind kind, std::string_view close) {
    Json json;
    json.kind_ = kind;
    if (takes(close)) return json;
    do {
      if (kind == Json::Kind::object) {
        require(takes("\""));
        json.keys_.push_back(restOfText());
        require(takes(":"));
      }
      json.items_.push_back(value());
    } while (takes(","));
    require(takes(close));
    return json;
  }

  std::string restOfText() {
    std::string text;
    for (char next = take(); next != '"'; next = take()) {
      require(static_cast<signed char>(next) >= ' ');
      text += next == '\\' ? escaped() : next;
    }
    return text;
  }

  char escaped() {
    const char letter = take();
    switch (letter) {
      case 'n': return '\n';
      case 't': return '\t';
      case 'r': return '\r';
      case 'u': {
        require(text_.size() >= 4 && text_.starts_with("00"));
        unsigned code = 0;
        require(std::from_chars(text_.data(), text_.data() + 4, code, 16).ptr == text_.data() + 4 && code < 0x80);
        text_.remove_prefix(4);
        return static_cast<char>(code);
      }
      default: require(letter == '"' || letter == '\\' || letter == '/'); return letter;
    }
  }

  std::string_view text_;
};

Json Json::parse(std::string_view text) { return JsonParser(text).whole(); }

const Json& Json::operator[](std::string_view key) const {
  static const Json kNothing;
  for (size_t i = 0; i < keys_.size(); i++) {
    if (keys_[i] == key) return items_[i];
  }
  return kNothing;
}

std::optional<Json> goldenJson(const std::string& name) {
  const auto text = goldenText(name);
  if (!text) return std::nullopt;
  return Json::parse(*text);
}

}  // namespace tunvs::testing
