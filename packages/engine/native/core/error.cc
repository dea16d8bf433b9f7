#include "core/error.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>

namespace anneal {
namespace {

constexpr uint64_t kMaxSafe = (uint64_t{1} << 53) - 1;

std::string without_zeros(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\0') out += "\\0";
    else out += c;
  }
  return out;
}

template <class T>
std::string shortest(T number) {
  char text[40];
  return std::string(text, std::to_chars(text, text + sizeof text, number).ptr);
}

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

}  // namespace

Value::Value(std::string_view text) : value_(without_zeros(text)) {}

// A NaN or infinity is no number of JSON.
Value::Value(double number) {
  if (std::isfinite(number)) value_ = number;
  else value_ = shortest(number);
}

// The double of the fewest digits that say this float.
Value::Value(float number) : Value(static_cast<double>(number)) {
  if (!std::isfinite(number)) return;
  const std::string text = shortest(number);
  double exact = 0;
  std::from_chars(text.data(), text.data() + text.size(), exact);
  value_ = exact;
}

Value::Value(Cause cause) : value_(std::make_shared<const Cause>(std::move(cause))) {}

Value Value::whole(bool negative, uint64_t bits) {
  const uint64_t magnitude = negative ? uint64_t{0} - bits : bits;
  Value value(std::string_view{});
  if (magnitude <= kMaxSafe) value.value_ = static_cast<int64_t>(bits);
  else value.value_ = (negative ? "-" : "") + std::to_string(magnitude);
  return value;
}

std::string Value::text() const {
  if (const auto* text = std::get_if<std::string>(&value_)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value_)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value_)) return shortest(*number);
  return std::get<std::shared_ptr<const Cause>>(value_)->text();
}

std::string Cause::text() const {
  const std::string_view from = pattern;
  std::string out;
  for (size_t at = 0; at < from.size();) {
    const size_t end = from[at] == '{' ? from.find('}', at) : std::string_view::npos;
    const std::string_view name =
        end == std::string_view::npos ? std::string_view{} : from.substr(at + 1, end - at - 1);
    const NamedValue* found = nullptr;
    if (is_name(name))
      for (const NamedValue& arg : args)
        if (name == arg.name) found = &arg;
    if (found) {
      out += found->value.text();
      at = end + 1;
    } else {
      out += from[at++];
    }
  }
  return out;
}

Error::Error(ErrorCode code, const char* reason, const std::string& where, const char* pattern, ErrorArgs args)
    : Error(code, without_zeros(where), std::make_shared<const Cause>(Cause{reason, pattern, std::move(args)})) {}

Error::Error(ErrorCode code, std::string where, std::shared_ptr<const Cause> cause)
    : std::runtime_error(where + ": " + cause->text()),
      code_(code),
      where_(std::move(where)),
      cause_(std::move(cause)) {}

void refuse(const char* reason, const std::string& where, const char* pattern, ErrorArgs args) {
  throw Error(ErrorCode::kInvalidArgument, reason, where, pattern, std::move(args));
}

void malformed(const char* reason, const std::string& where, const char* pattern, ErrorArgs args) {
  throw Error(ErrorCode::kFormat, reason, where, pattern, std::move(args));
}

void io_failed(const char* reason, const std::string& where, const char* pattern, int error) {
  Value cause = std::strerror(error);
  if (error == ENOSPC || error == EDQUOT)
    cause = Cause{"disk_full", "{cause}; free some space and try again", {{"cause", cause}}};
  throw Error(ErrorCode::kIo, reason, where, pattern, {{"cause", cause}});
}

}  // namespace anneal
