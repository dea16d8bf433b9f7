// PEFT's rank_pattern and alpha_pattern: ranks and alphas of some modules.
#pragma once
#include <string>
#include <vector>

#include "io/json.h"

namespace anneal {

// PEFT takes a key for a regular expression that a module's path ends with, behind a dot or as a whole. Read here are
// those that need no such machine: names and paths ("q_proj", "model.layers.0.self_attn.q_proj",
// "layers\.0\.mlp\.up_proj"), `.` for any character, `.*` in front and `^` for the whole path.
class AdapterPattern {
 public:
  // Throws kUnsupported naming `field` and the key when it says more than that.
  AdapterPattern(const std::string& key, double value, const std::string& field);
  bool matches(const std::string& module) const;
  double value() const { return value_; }

 private:
  std::string text_;       // the literal characters
  std::vector<bool> any_;  // where any character will do
  bool whole_ = false, anywhere_ = false;
  double value_;
};

// The patterns under `key` of adapter_config.json, in the file's order; `field` is for errors.
std::vector<AdapterPattern> read_patterns(const JsonValue& config, const char* key, const std::string& field);

// The value of the first pattern that matches, or `fallback`.
double pattern_value(const std::vector<AdapterPattern>& patterns, const std::string& module, double fallback);

}  // namespace anneal
