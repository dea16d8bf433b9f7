#include "io/adapter_pattern.h"

#include <cctype>

#include "io/file_kind.h"

namespace anneal {

AdapterPattern::AdapterPattern(const std::string& key, double value, const std::string& field) : value_(value) {
  size_t at = 0;
  const size_t end = key.ends_with('$') ? key.size() - 1 : key.size();
  if (key.starts_with('^')) whole_ = true, at = 1;
  if (key.compare(at, 2, ".*") == 0) anywhere_ = true, at += 2;
  bool plain = at < end;
  while (at < end && plain) {
    const bool escaped = key[at] == '\\';
    const char c = escaped && at + 1 < end ? key[++at] : key[at];
    ++at;
    plain = escaped ? c == '.' : c == '.' || c == '_' || c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    text_ += c;
    any_.push_back(c == '.' && !escaped);
  }
  if (!plain)
    throw Error(ErrorCode::kUnsupported, "adapter_key_pattern", field,
                "has the key {key}, a regular expression; only names and paths of modules are read",
                {{"key", "\"" + printable(key, 100) + "\""}});
}

bool AdapterPattern::matches(const std::string& module) const {
  if (module.size() < text_.size()) return false;
  const size_t before = module.size() - text_.size();
  for (size_t i = 0; i < text_.size(); ++i)
    if (!any_[i] && module[before + i] != text_[i]) return false;
  if (before == 0 || anywhere_) return true;
  return !whole_ && module[before - 1] == '.';
}

std::vector<AdapterPattern> read_patterns(const JsonValue& config, const char* key, const std::string& field) {
  std::vector<AdapterPattern> patterns;
  const JsonValue* all = config.find(key);
  if (!all || all->is_null()) return patterns;
  for (const auto& [name, value] : all->as_object(field))
    patterns.emplace_back(name, value.as_number(field + " of \"" + printable(name, 100) + "\""), field);
  return patterns;
}

double pattern_value(const std::vector<AdapterPattern>& patterns, const std::string& module, double fallback) {
  for (const AdapterPattern& pattern : patterns)
    if (pattern.matches(module)) return pattern.value();
  return fallback;
}

}  // namespace anneal
