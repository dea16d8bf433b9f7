#include "io/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "io/file_kind.h"
#include "io/mapped_file.h"

namespace anneal {
namespace {

Cause kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull: break;
    case JsonKind::kBool: return Cause{"a_boolean", "a boolean"};
    case JsonKind::kNumber: return Cause{"a_number", "a number"};
    case JsonKind::kString: return Cause{"a_string", "a string"};
    case JsonKind::kArray: return Cause{"an_array", "an array"};
    case JsonKind::kObject: return Cause{"an_object", "an object"};
  }
  return Cause{"a_null", "null"};
}

[[noreturn]] void wrong_kind(const std::string& where, const Cause& wanted, JsonKind got) {
  malformed("must_be_found", where, "must be {expected}, found {found}",
            {{"expected", wanted}, {"found", kind_name(got)}});
}

std::string field(const std::string& where, std::string_view key) {
  return where + ": field \"" + printable(key) + "\"";
}

// The well-formed sequences of the Unicode standard, table 3-7: none too long, no halves of surrogate pairs, nothing
// above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
    const unsigned first = byte(0);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const size_t length = first >= 0xc2 && first < 0xe0   ? 2
                          : first >= 0xe0 && first < 0xf0 ? 3
                          : first >= 0xf0 && first < 0xf5 ? 4
                                                          : 0;
    if (length == 0) return false;
    const unsigned low = first == 0xe0   ? 0xa0
                         : first == 0xf0 ? 0x90
                                         : 0x80,
                   high = first == 0xed   ? 0x9f
                          : first == 0xf4 ? 0x8f
                                          : 0xbf;
    if (byte(1) < low || byte(1) > high) return false;
    for (size_t i = 2; i < length; ++i)
      if (byte(i) < 0x80 || byte(i) > 0xbf) return false;
    at += length;
  }
  return true;
}

}  // namespace

class JsonParser {
 public:
  JsonParser(std::string_view text, const std::string& where, const JsonLimits& limits)
      : text_(text), where_(where), limits_(limits) {}

  JsonValue parse() {
    if (text_.size() > limits_.max_bytes)
      fail("json_too_long", "is larger than {bytes} bytes", {{"bytes", limits_.max_bytes}});
    JsonValue value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) fail("json_trailing_text", "has text after the end of the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const char* reason, const char* pattern, ErrorArgs args = {}) const {
    malformed("json_malformed", where_, "JSON {problem} (byte {at})",
              {{"problem", Cause{reason, pattern, std::move(args)}}, {"at", at_}});
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void expect(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) fail("json_unexpected_character", "has an unexpected character");
    at_ += word.size();
  }

  JsonValue parse_value(int depth) {
    if (depth > limits_.max_depth)
      fail("json_too_deep", "is nested deeper than {depth}", {{"depth", limits_.max_depth}});
    if (++values_ > limits_.max_values)
      fail("json_too_many_values", "has more than {values} values", {{"values", limits_.max_values}});
    skip_space();
    JsonValue value;
    switch (peek()) {
      case '{': parse_object(&value, depth); break;
      case '[': parse_array(&value, depth); break;
      case '"':
        value.kind_ = JsonKind::kString;
        value.string_ = parse_string();
        break;
      case 't':
        expect("true");
        value.kind_ = JsonKind::kBool;
        value.bool_ = true;
        break;
      case 'f':
        expect("false");
        value.kind_ = JsonKind::kBool;
        break;
      case 'n': expect("null"); break;
      default: parse_number(&value);
    }
    return value;
  }

  void parse_object(JsonValue* value, int depth) {
    value->kind_ = JsonKind::kObject;
    ++at_;
    skip_space();
    if (peek() == '}') {
      ++at_;
      return;
    }
    for (;;) {
      skip_space();
      if (peek() != '"') fail("json_key_not_string", "expects a string as a key");
      std::string key = parse_string();
      skip_space();
      if (peek() != ':') fail("json_colon_missing", "expects ':' after a key");
      ++at_;
      value->members_.emplace_back(std::move(key), parse_value(depth + 1));
      skip_space();
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != '}') fail("json_object_separator", "expects ',' or '}'");
      ++at_;
      break;
    }
    // Two values under one key let two readers see two different files.
    std::unordered_set<std::string_view> seen;
    for (const JsonValue::Member& member : value->members_)
      if (!seen.insert(member.first).second)
        fail("json_key_twice", "has the key {key} twice", {{"key", "\"" + printable(member.first) + "\""}});
  }

  void parse_array(JsonValue* value, int depth) {
    value->kind_ = JsonKind::kArray;
    ++at_;
    skip_space();
    if (peek() == ']') {
      ++at_;
      return;
    }
    for (;;) {
      value->items_.push_back(parse_value(depth + 1));
      skip_space();
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != ']') fail("json_array_separator", "expects ',' or ']'");
      ++at_;
      return;
    }
  }

  uint32_t parse_hex4() {
    if (text_.size() - at_ < 4) fail("json_escape_cut_off", "ends inside a \\u escape");
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      int digit;
      if (c >= '0' && c <= '9') digit = c - '0';
      else if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
      else if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
      else fail("json_escape_bad", "has a bad \\u escape");
      code = code << 4 | static_cast<uint32_t>(digit);
    }
    return code;
  }

  static void append_utf8(std::string* out, uint32_t code) {
    if (code < 0x80) {
      *out += static_cast<char>(code);
    } else if (code < 0x800) {
      *out += static_cast<char>(0xc0 | code >> 6);
      *out += static_cast<char>(0x80 | (code & 63));
    } else if (code < 0x10000) {
      *out += static_cast<char>(0xe0 | code >> 12);
      *out += static_cast<char>(0x80 | (code >> 6 & 63));
      *out += static_cast<char>(0x80 | (code & 63));
    } else {
      *out += static_cast<char>(0xf0 | code >> 18);
      *out += static_cast<char>(0x80 | (code >> 12 & 63));
      *out += static_cast<char>(0x80 | (code >> 6 & 63));
      *out += static_cast<char>(0x80 | (code & 63));
    }
  }

  std::string parse_string() {
    std::string out;
    ++at_;
    for (;;) {
      // Copy the run up to the next quote, escape or control character at once.
      size_t end = at_;
      while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
             static_cast<unsigned char>(text_[end]) >= 0x20)
        ++end;
      if (!is_utf8(text_.substr(at_, end - at_))) fail("json_not_utf8", "is not UTF-8 in a string");
      out.append(text_.substr(at_, end - at_));
      at_ = end;
      if (at_ >= text_.size()) fail("json_string_cut_off", "ends inside a string");
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c != '\\') fail("json_control_character", "has a raw control character in a string");
      parse_escape(&out);
    }
  }

  void parse_escape(std::string* out) {
    if (at_ >= text_.size()) fail("json_string_cut_off", "ends inside a string");
    switch (text_[at_++]) {
      case '"': *out += '"'; break;
      case '\\': *out += '\\'; break;
      case '/': *out += '/'; break;
      case 'b': *out += '\b'; break;
      case 'f': *out += '\f'; break;
      case 'n': *out += '\n'; break;
      case 'r': *out += '\r'; break;
      case 't': *out += '\t'; break;
      case 'u': {
        uint32_t code = parse_hex4();
        if (code >= 0xd800 && code < 0xdc00) {
          if (text_.substr(at_, 2) != "\\u") fail("json_half_surrogate", "has half of a surrogate pair");
          at_ += 2;
          const uint32_t low = parse_hex4();
          if (low < 0xdc00 || low > 0xdfff) fail("json_half_surrogate", "has half of a surrogate pair");
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xdc00 && code < 0xe000) {
          fail("json_half_surrogate", "has half of a surrogate pair");
        }
        append_utf8(out, code);
        break;
      }
      default: fail("json_escape_unknown", "has an unknown escape");
    }
  }

  bool digits() {
    const size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }

  void parse_number(JsonValue* value) {
    const size_t start = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      {
        if (at_ >= text_.size()) fail("json_cut_off", "ends where a value is expected");
        fail("json_unexpected_character", "has an unexpected character");
      }
    }
    bool whole = true;
    if (peek() == '.') {
      whole = false;
      ++at_;
      if (!digits()) fail("json_number_bad", "has a bad number");
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) fail("json_number_bad", "has a bad number");
    }
    const char* first = text_.data() + start;
    const char* last = text_.data() + at_;
    value->kind_ = JsonKind::kNumber;
    const auto result = std::from_chars(first, last, value->number_);
    if (result.ec == std::errc::result_out_of_range)
      fail("json_number_too_large", "has a number outside the range of a double");
    if (whole) value->is_int_ = std::from_chars(first, last, value->int_).ec == std::errc();
  }

  std::string_view text_;
  const std::string& where_;
  const JsonLimits& limits_;
  size_t at_ = 0;
  size_t values_ = 0;
};

bool JsonValue::as_bool(const std::string& where) const {
  if (kind_ != JsonKind::kBool) wrong_kind(where, kind_name(JsonKind::kBool), kind_);
  return bool_;
}

double JsonValue::as_number(const std::string& where) const {
  if (kind_ != JsonKind::kNumber) wrong_kind(where, kind_name(JsonKind::kNumber), kind_);
  return number_;
}

int64_t JsonValue::as_int(const std::string& where) const {
  if (kind_ != JsonKind::kNumber) wrong_kind(where, Cause{"a_whole_number", "a whole number"}, kind_);
  if (!is_int_) throw Error(ErrorCode::kFormat, "not_int64", where, "must be a whole number that fits 64 bits");
  return int_;
}

const std::string& JsonValue::as_string(const std::string& where) const {
  if (kind_ != JsonKind::kString) wrong_kind(where, kind_name(JsonKind::kString), kind_);
  return string_;
}

const std::vector<JsonValue>& JsonValue::as_array(const std::string& where) const {
  if (kind_ != JsonKind::kArray) wrong_kind(where, kind_name(JsonKind::kArray), kind_);
  return items_;
}

const std::vector<JsonValue::Member>& JsonValue::as_object(const std::string& where) const {
  if (kind_ != JsonKind::kObject) wrong_kind(where, kind_name(JsonKind::kObject), kind_);
  return members_;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  for (const Member& member : members_)
    if (member.first == key) return &member.second;
  return nullptr;
}

const JsonValue& JsonValue::at(std::string_view key, const std::string& where) const {
  if (kind_ != JsonKind::kObject) wrong_kind(where, kind_name(JsonKind::kObject), kind_);
  const JsonValue* value = find(key);
  if (!value) throw Error(ErrorCode::kFormat, "missing", field(where, key), "is missing");
  return *value;
}

int64_t JsonValue::get_int(std::string_view key, const std::string& where) const {
  return at(key, where).as_int(field(where, key));
}

int64_t JsonValue::get_int_or(std::string_view key, int64_t fallback, const std::string& where) const {
  const JsonValue* value = find(key);
  return value && !value->is_null() ? value->as_int(field(where, key)) : fallback;
}

double JsonValue::get_number(std::string_view key, const std::string& where) const {
  return at(key, where).as_number(field(where, key));
}

double JsonValue::get_number_or(std::string_view key, double fallback, const std::string& where) const {
  const JsonValue* value = find(key);
  return value && !value->is_null() ? value->as_number(field(where, key)) : fallback;
}

bool JsonValue::get_bool_or(std::string_view key, bool fallback, const std::string& where) const {
  const JsonValue* value = find(key);
  return value && !value->is_null() ? value->as_bool(field(where, key)) : fallback;
}

std::string JsonValue::get_string(std::string_view key, const std::string& where) const {
  return at(key, where).as_string(field(where, key));
}

std::string JsonValue::get_string_or(std::string_view key, const std::string& fallback,
                                     const std::string& where) const {
  const JsonValue* value = find(key);
  return value && !value->is_null() ? value->as_string(field(where, key)) : fallback;
}

JsonValue parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  return JsonParser(text, where, limits).parse();
}

JsonValue read_json_file(const std::string& path, const JsonLimits& limits) {
  const MappedFile file(path);
  if (file.size() > limits.max_bytes)
    throw Error(ErrorCode::kFormat, "json_file_too_large", path, "JSON is larger than {bytes} bytes",
                {{"bytes", limits.max_bytes}});
  try {
    return parse_json(std::string_view(reinterpret_cast<const char*>(file.data()), file.size()), path, limits);
  } catch (const Error&) {
    const std::optional<Cause> kind = foreign_kind(file);
    if (!kind || kind->reason == std::string_view("file_is_json")) throw;
    throw Error(ErrorCode::kFormat, "json_foreign", path, "is no JSON file but {kind}", {{"kind", *kind}});
  }
}

std::string json_quote(std::string_view text) {
  static const char* const digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace anneal
