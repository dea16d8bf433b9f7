#include "models/family.h"

namespace anneal {
namespace {

const std::vector<const Family*>& families() {
  static const std::vector<const Family*> all = {
      &llama_family(),  &qwen2_family(),  &mistral_family(),   &qwen3_family(),       &phi3_family(),
      &gemma2_family(), &gemma3_family(), &qwen3_moe_family(), &deepseek_v2_family(), &deepseek_v3_family(),
  };
  return all;
}

}  // namespace

const Family* find_family(const std::string& model_type) {
  for (const Family* family : families())
    if (model_type == family->name()) return family;
  return nullptr;
}

const Family* find_gguf_family(const GgufFile& file) {
  const std::string architecture = file.get_string("general.architecture");
  for (const Family* family : families())
    if (architecture == family->gguf_architecture() && family->owns_gguf(file)) return family;
  return nullptr;
}

std::string family_names() {
  std::string names;
  for (const Family* family : families()) names += (names.empty() ? "" : ", ") + std::string(family->name());
  return names;
}

}  // namespace anneal
