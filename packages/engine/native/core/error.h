// Errors of the engine: one exception type. `code` says what kind of refusal it is, `reason` which one; both are
// stable.
#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace anneal {

enum class ErrorCode {
  kInvalidArgument,  // ENGINE_INVALID_ARGUMENT: a caller passed something that can never work
  kShape,            // ENGINE_SHAPE: shapes of the operands do not fit together
  kOutOfMemory,      // ENGINE_OOM: the plan or the allocator refused
  kFormat,           // ENGINE_FORMAT: a file of foreign bytes is malformed
  kUnsupported,      // ENGINE_UNSUPPORTED: well-formed, but this engine does not do it
  kIo,               // ENGINE_IO: the operating system refused (its own words in the message)
  kNumeric,          // ENGINE_NUMERIC: NaN or infinity where a finite number is needed
  kStopped,          // ENGINE_STOPPED: the stop flag was raised; state is as before the call
  kNotCompiled,      // ENGINE_NOT_COMPILED: backend absent from this build
  kInternal,         // ENGINE_INTERNAL: a bug
};

// Stable text of a code, as seen by JavaScript in EngineError.code.
constexpr const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "ENGINE_INVALID_ARGUMENT";
    case ErrorCode::kShape: return "ENGINE_SHAPE";
    case ErrorCode::kOutOfMemory: return "ENGINE_OOM";
    case ErrorCode::kFormat: return "ENGINE_FORMAT";
    case ErrorCode::kUnsupported: return "ENGINE_UNSUPPORTED";
    case ErrorCode::kIo: return "ENGINE_IO";
    case ErrorCode::kNumeric: return "ENGINE_NUMERIC";
    case ErrorCode::kStopped: return "ENGINE_STOPPED";
    case ErrorCode::kNotCompiled: return "ENGINE_NOT_COMPILED";
    case ErrorCode::kInternal: return "ENGINE_INTERNAL";
  }
  return "ENGINE_INTERNAL";
}

struct Cause;

// A value in a sentence. Text of foreign bytes may hold a zero byte: it is written as \0, since no C string, and no
// text of a database, can hold one. Numbers that JavaScript cannot hold exactly become text.
class Value {
 public:
  Value(std::string_view text);
  Value(const std::string& text) : Value(std::string_view(text)) {}
  Value(const char* text) : Value(std::string_view(text)) {}
  template <std::integral T>
  Value(T number) : Value(whole(number < 0, static_cast<uint64_t>(number))) {}
  Value(double number);
  Value(float number);
  Value(Cause cause);  // a sentence in a sentence

  const std::variant<std::string, int64_t, double, std::shared_ptr<const Cause>>& get() const { return value_; }
  std::string text() const;

 private:
  static Value whole(bool negative, uint64_t bits);
  std::variant<std::string, int64_t, double, std::shared_ptr<const Cause>> value_;
};

struct NamedValue {
  const char* name;
  Value value;
};
using ErrorArgs = std::vector<NamedValue>;

// What is wrong. `reason` is the key of the catalogues of sentences (packages/contracts/src/engine-reasons.ts and its
// translations); `pattern` is the English one, where {name} stands for the argument of that name. A reason has one
// pattern, and both are literals: a test reads them from here.
struct Cause {
  const char* reason;
  const char* pattern;
  ErrorArgs args = {};
  std::string text() const;
};

// `where` names the op, file or field; what() is "where: sentence".
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const char* reason, const std::string& where, const char* pattern, ErrorArgs args = {});

  ErrorCode code() const { return code_; }
  const std::string& where() const { return where_; }
  const Cause& cause() const { return *cause_; }
  std::string_view reason() const { return cause_->reason; }

 private:
  Error(ErrorCode code, std::string where, std::shared_ptr<const Cause> cause);
  ErrorCode code_;
  std::string where_;
  std::shared_ptr<const Cause> cause_;  // shared: exceptions are copied
};

// An argument that can never work.
[[noreturn]] void refuse(const char* reason, const std::string& where, const char* pattern, ErrorArgs args = {});
// A file of foreign bytes that is not what its format says.
[[noreturn]] void malformed(const char* reason, const std::string& where, const char* pattern, ErrorArgs args = {});
// The operating system refused; `pattern` has {cause} for its words. `error` is the errno.
[[noreturn]] void io_failed(const char* reason, const std::string& where, const char* pattern, int error);

inline void require(bool ok, ErrorCode code, const char* reason, const char* where, const char* pattern,
                    std::initializer_list<NamedValue> args = {}) {
  if (!ok) throw Error(code, reason, where, pattern, args);
}

}  // namespace anneal
