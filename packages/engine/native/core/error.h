// Errors of the engine: one exception type with a stable code, so that JavaScript can switch on it.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace anneal {

enum class ErrorCode {
  kInvalidArgument,  // ENGINE_INVALID_ARGUMENT: a caller passed something that can never work
  kShape,            // ENGINE_SHAPE: shapes of the operands do not fit together
  kOutOfMemory,      // ENGINE_OOM: the plan or the allocator refused
  kFormat,           // ENGINE_FORMAT: a file of foreign bytes is malformed
  kUnsupported,      // ENGINE_UNSUPPORTED: well-formed, but this engine does not do it
  kIo,               // ENGINE_IO: the operating system refused (errno in the message)
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

// `where` names the op, file or key; the message states the cause and, where there is one, the remedy.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string where, const std::string& message)
      : std::runtime_error(where + ": " + message), code_(code), where_(std::move(where)) {}
  ErrorCode code() const { return code_; }
  const std::string& where() const { return where_; }

 private:
  ErrorCode code_;
  std::string where_;
};

}  // namespace anneal
