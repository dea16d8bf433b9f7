#include "io/file_kind.h"

#include <algorithm>
#include <cctype>

namespace anneal {
namespace {

constexpr size_t kLook = 512;

// Letters in any case; `lower` is in lower case.
bool starts_with(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

// The length of a header of less than 2^48 bytes, and its beginning.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 9 && bytes[6] == 0 && bytes[7] == 0 && bytes[8] == '{' && bytes[9] == '"';
}

// The type of the first record of a pickle: protocol 2 to 5 begins with it.
bool is_pickle(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

}  // namespace

std::optional<Cause> foreign_kind(const MappedFile& file) {
  if (file.size() == 0) return Cause{"file_empty", "an empty file"};
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), std::min(file.size(), kLook));
  if (bytes.starts_with("GGUF")) return Cause{"file_is_gguf", "a GGUF file"};
  // Before pickles, whose first bytes a header's length may have.
  if (is_safetensors(bytes)) return Cause{"file_is_safetensors", "a safetensors file"};
  if (bytes.starts_with("version https://git-lfs"))
    return Cause{"file_is_lfs_pointer", "a Git LFS pointer; the file itself was not fetched (git lfs pull)"};
  if (bytes.starts_with("PK\3\4"))
    return Cause{"file_is_zip_pickle", "a zip archive, as PyTorch saves pickles, which can run code when loaded"};
  if (is_pickle(bytes)) return Cause{"file_is_pickle", "a PyTorch pickle, which can run code when loaded"};
  if (bytes.starts_with("\x1f\x8b")) return Cause{"file_is_gzip", "a gzip archive"};
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return Cause{"file_is_zstd", "a zstd archive"};
  if (bytes.starts_with("\x89HDF")) return Cause{"file_is_hdf5", "an HDF5 file"};
  if (bytes.starts_with("\x7f"
                        "ELF") ||
      bytes.starts_with("MZ"))
    return Cause{"file_is_program", "a program"};
  if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; }))
    return Cause{"file_of_zero_bytes", "a file of zero bytes, as a download that was cut off leaves it"};
  std::string_view text = bytes.starts_with("\xef\xbb\xbf") ? bytes.substr(3) : bytes;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
  if (starts_with(text, "<!doctype html") || starts_with(text, "<html"))
    return Cause{"file_is_web_page", "a web page (HTML), as a download without permission leaves it"};
  if (text.starts_with("<?xml")) return Cause{"file_is_xml", "an XML file"};
  if (text.starts_with("{") || text.starts_with("[")) return Cause{"file_is_json", "a JSON file"};
  return std::nullopt;
}

bool is_pickle(const Cause& kind) {
  return kind.reason == std::string_view("file_is_pickle") || kind.reason == std::string_view("file_is_zip_pickle");
}

std::string printable(std::string_view text, size_t most) {
  static const char* const digits = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
    else out += std::string("\\u00") + digits[byte >> 4] + digits[byte & 15];
  }
  return out;
}

}  // namespace anneal
