#include "io/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <sys/stat.h>

#include "core/checked.h"
#include "io/file_kind.h"
#include "io/json.h"
#include "quant/quant.h"

namespace anneal {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct TypeInfo {
  SafetensorsType type;
  const char* name;
  size_t bytes;
};

constexpr TypeInfo kTypes[] = {
    {SafetensorsType::kBool, "BOOL", 1},      {SafetensorsType::kU8, "U8", 1},
    {SafetensorsType::kI8, "I8", 1},          {SafetensorsType::kU16, "U16", 2},
    {SafetensorsType::kI16, "I16", 2},        {SafetensorsType::kF16, "F16", 2},
    {SafetensorsType::kBF16, "BF16", 2},      {SafetensorsType::kU32, "U32", 4},
    {SafetensorsType::kI32, "I32", 4},        {SafetensorsType::kF32, "F32", 4},
    {SafetensorsType::kU64, "U64", 8},        {SafetensorsType::kI64, "I64", 8},
    {SafetensorsType::kF64, "F64", 8},        {SafetensorsType::kF8E4M3, "F8_E4M3", 1},
    {SafetensorsType::kF8E5M2, "F8_E5M2", 1},
};

const TypeInfo& type_info(SafetensorsType type) { return kTypes[static_cast<int>(type)]; }

// A header that cannot be read: what the file is instead, where its first bytes say so. They are looked at only now,
// for the length of a good header may begin with the very bytes of a pickle.
[[noreturn]] void refuse_foreign(const MappedFile& file, const Error& error) {
  const std::optional<Cause> kind = foreign_kind(file);
  if (!kind || kind->reason == std::string_view("file_is_safetensors")) throw error;
  if (is_pickle(*kind))
    malformed("safetensors_pickle", file.path(), "is no safetensors file but {kind}; save it as safetensors instead",
              {{"kind", *kind}});
  malformed("safetensors_foreign", file.path(), "is no safetensors file but {kind}", {{"kind", *kind}});
}

Shape parse_shape(const JsonValue& value, const std::string& where) {
  const std::vector<JsonValue>& dims = value.as_array(where + ": shape");
  if (dims.size() > static_cast<size_t>(kMaxDims))
    throw Error(ErrorCode::kUnsupported, "too_many_dimensions_read", where,
                "has {dimensions} dimensions; at most {most} are read",
                {{"dimensions", dims.size()}, {"most", kMaxDims}});
  Shape shape;
  for (const JsonValue& dim : dims) {
    const int64_t n = dim.as_int(where + ": shape");
    if (n < 0) malformed("negative_dimension", where, "has the negative dimension {dimension}", {{"dimension", n}});
    shape.dims[static_cast<size_t>(shape.rank++)] = n;
  }
  return shape;
}

SafetensorsEntry parse_entry(const std::string& file, const JsonValue::Member& member, const uint8_t* data,
                             uint64_t data_bytes) {
  const std::string where = file + ": tensor \"" + printable(member.first) + "\"";
  member.second.as_object(where);
  SafetensorsEntry entry;
  entry.name = member.first;
  const std::string dtype = member.second.at("dtype", where).as_string(where + ": dtype");
  const TypeInfo* const info =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeInfo& t) { return dtype == t.name; });
  if (info == std::end(kTypes))
    malformed("safetensors_dtype_unknown", where, "has the unknown dtype {dtype}",
              {{"dtype", "\"" + printable(dtype, 40) + "\""}});
  entry.type = info->type;
  entry.shape = parse_shape(member.second.at("shape", where), where);
  uint64_t bytes = info->bytes;
  for (int i = 0; i < entry.shape.rank; ++i)
    bytes = checked_mul(bytes, static_cast<uint64_t>(entry.shape.dims[static_cast<size_t>(i)]), where.c_str());
  const std::vector<JsonValue>& offsets = member.second.at("data_offsets", where).as_array(where + ": data_offsets");
  if (offsets.size() != 2)
    malformed("not_two_numbers", where, "{field} must be two numbers", {{"field", "data_offsets"}});
  const int64_t begin = offsets[0].as_int(where + ": data_offsets"), end = offsets[1].as_int(where + ": data_offsets");
  if (begin < 0 || end < begin || static_cast<uint64_t>(end) > data_bytes)
    malformed("data_offsets_outside", where, "data_offsets {offsets} lie outside the {bytes} bytes of data",
              {{"offsets", std::to_string(begin) + ".." + std::to_string(end)}, {"bytes", data_bytes}});
  if (static_cast<uint64_t>(end - begin) != bytes)
    malformed("data_offsets_span", where, "data_offsets span {bytes} bytes, but dtype and shape need {needed}",
              {{"bytes", end - begin}, {"needed", bytes}});
  entry.data = data + begin;
  entry.bytes = static_cast<size_t>(bytes);
  return entry;
}

bool is_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

const char* safetensors_type_name(SafetensorsType type) { return type_info(type).name; }
size_t safetensors_type_bytes(SafetensorsType type) { return type_info(type).bytes; }

Tensor SafetensorsEntry::tensor(const std::string& where) const {
  Tensor t;
  switch (type) {
    case SafetensorsType::kF32: t.dtype = DType::kF32; break;
    case SafetensorsType::kF16: t.dtype = DType::kF16; break;
    case SafetensorsType::kBF16: t.dtype = DType::kBF16; break;
    case SafetensorsType::kI32: t.dtype = DType::kI32; break;
    default:
      throw Error(ErrorCode::kUnsupported, "tensor_type_not_float", where + ": tensor \"" + name + "\"",
                  "holds {type}; save it as F32, F16 or BF16", {{"type", safetensors_type_name(type)}});
  }
  if (reinterpret_cast<uintptr_t>(data) % safetensors_type_bytes(type) != 0)
    malformed("tensor_data_not_aligned", where + ": tensor \"" + name + "\"",
              "data is not aligned to its element size");
  t.data = const_cast<uint8_t*>(data);
  t.shape = shape;
  return t;
}

void SafetensorsEntry::read_f32(float* out, const std::string& where) const {
  const int64_t n = shape.elements();
  switch (type) {
    case SafetensorsType::kF32: row_dequantiser(DType::kF32)(data, out, n); return;
    case SafetensorsType::kF16: row_dequantiser(DType::kF16)(data, out, n); return;
    case SafetensorsType::kBF16: row_dequantiser(DType::kBF16)(data, out, n); return;
    case SafetensorsType::kF64:
      for (int64_t i = 0; i < n; ++i) {
        double v;
        std::memcpy(&v, data + 8 * i, 8);
        // Out of range for f32 is infinity, spelled out because the plain conversion would be undefined.
        out[i] = v > 3.4028235677973366e38    ? HUGE_VALF
                 : v < -3.4028235677973366e38 ? -HUGE_VALF
                                              : static_cast<float>(v);
      }
      return;
    default:
      throw Error(ErrorCode::kUnsupported, "weight_type_not_read", where + ": tensor \"" + name + "\"",
                  "holds {type}; weights must be F32, F16, BF16 or F64", {{"type", safetensors_type_name(type)}});
  }
}

SafetensorsFile::SafetensorsFile(const std::string& path) : SafetensorsFile(MappedFile(path)) {}

SafetensorsFile::SafetensorsFile(MappedFile file) : file_(std::move(file)) {
  parse();
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
}

JsonValue SafetensorsFile::read_header(uint64_t* header_bytes) const {
  const std::string& path = file_.path();
  if (file_.size() < 8) malformed("safetensors_too_short", path, "is too short for a safetensors file");
  *header_bytes = 0;
  for (int i = 7; i >= 0; --i) *header_bytes = *header_bytes << 8 | file_.data()[i];
  if (*header_bytes > kMaxHeaderBytes)
    malformed("safetensors_header_too_long", path,
              "has a header of {bytes} bytes, above the format's 100 MB; is it a safetensors file?",
              {{"bytes", *header_bytes}});
  if (*header_bytes > file_.size() - 8)
    malformed("safetensors_header_cut_off", path, "ends inside its header ({bytes} bytes announced)",
              {{"bytes", *header_bytes}});
  const std::string_view text(reinterpret_cast<const char*>(file_.data()) + 8, static_cast<size_t>(*header_bytes));
  if (text.empty() || text[0] != '{')
    malformed("safetensors_header_no_object", path, "has a header that does not start with '{'");
  JsonLimits limits;
  limits.max_depth = 8;
  return parse_json(text, path, limits);
}

void SafetensorsFile::parse() {
  const std::string& path = file_.path();
  uint64_t header_bytes = 0;
  JsonValue header;
  try {
    header = read_header(&header_bytes);
  } catch (const Error& error) {
    refuse_foreign(file_, error);
  }
  const uint8_t* data = file_.data() + 8 + header_bytes;
  const uint64_t data_bytes = file_.size() - 8 - header_bytes;
  for (const JsonValue::Member& member : header.as_object(path)) {
    if (member.first == "__metadata__") {
      for (const JsonValue::Member& note : member.second.as_object(path + ": __metadata__"))
        metadata_.emplace_back(note.first, note.second.as_string(path + ": __metadata__ " + printable(note.first)));
    } else {
      entries_.push_back(parse_entry(path, member, data, data_bytes));
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return a.data != b.data ? a.data < b.data : a.bytes < b.bytes;
  });
  const uint8_t* expected = data;
  for (const SafetensorsEntry& entry : entries_) {
    const std::string at = path + ": tensor \"" + printable(entry.name) + "\"";
    if (entry.data < expected) malformed("safetensors_overlap", at, "overlaps the tensor before it");
    if (entry.data > expected) malformed("safetensors_gap", at, "leaves a gap after the tensor before it");
    expected += entry.bytes;
  }
  if (expected != data + data_bytes)
    malformed("safetensors_trailing_bytes", path, "has {bytes} bytes after its last tensor",
              {{"bytes", data + data_bytes - expected}});
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

SafetensorsSet SafetensorsSet::open_file(const std::string& path) {
  SafetensorsSet set;
  set.where_ = path;
  set.files_.push_back(std::make_unique<SafetensorsFile>(path));
  for (const SafetensorsEntry& entry : set.files_[0]->entries()) set.index_.emplace(entry.name, &entry);
  return set;
}

SafetensorsSet SafetensorsSet::open_folder(const std::string& dir) {
  const std::string index_path = dir + "/model.safetensors.index.json";
  if (!is_file(index_path)) {
    const std::string single = dir + "/model.safetensors";
    if (!is_file(single)) {
      if (is_file(dir + "/pytorch_model.bin") || is_file(dir + "/pytorch_model.bin.index.json"))
        throw Error(
            ErrorCode::kFormat, "weights_only_pickles", dir,
            "holds its weights only as PyTorch pickles, which can run code when loaded; save them as safetensors");
      throw Error(ErrorCode::kIo, "weights_absent", dir,
                  "holds neither model.safetensors nor model.safetensors.index.json");
    }
    SafetensorsSet set = open_file(single);
    set.where_ = dir;
    return set;
  }
  SafetensorsSet set;
  set.where_ = dir;
  const JsonValue index = read_json_file(index_path);
  std::unordered_map<std::string, SafetensorsFile*> shards;
  const bool has_single = is_file(dir + "/model.safetensors");
  for (const JsonValue::Member& entry : index.at("weight_map", index_path).as_object(index_path + ": weight_map")) {
    const std::string where = index_path + ": weight_map \"" + printable(entry.first) + "\"";
    const std::string& file = entry.second.as_string(where);
    if (file.empty() || file == "." || file == ".." || file.find('/') != std::string::npos ||
        file.find('\\') != std::string::npos || file.find('\0') != std::string::npos)
      malformed("not_file_of_folder", where, "must name a file of this folder, found {found}",
                {{"found", "\"" + printable(file) + "\""}});
    SafetensorsFile*& shard = shards[file];
    if (!shard) {
      set.files_.push_back(std::make_unique<SafetensorsFile>(dir + "/" + file));
      shard = set.files_.back().get();
    }
    const SafetensorsEntry* tensor = shard->find(entry.first);
    if (!tensor)
      malformed("shard_without_tensor", where, "the shard {shard} does not hold this tensor", {{"shard", file}});
    set.index_.emplace(tensor->name, tensor);
  }
  // Another reader takes the single file and never looks at the shards.
  if (has_single && !shards.count("model.safetensors"))
    malformed(
        "shards_beside_single_file", dir,
        "holds model.safetensors beside the shards of model.safetensors.index.json; remove the one or the others");
  // A tensor that lies in two shards, or in one but not in the index, would make the model depend on the reader.
  for (const auto& shard : set.files_)
    for (const SafetensorsEntry& entry : shard->entries()) {
      const SafetensorsEntry* known = set.find(entry.name);
      if (known == &entry) continue;
      const std::string at = shard->path() + ": tensor \"" + printable(entry.name) + "\"";
      if (known) malformed("tensor_in_two_shards", at, "lies in two shards");
      malformed("tensor_not_in_index", at, "is not named by model.safetensors.index.json");
    }
  return set;
}

const SafetensorsEntry* SafetensorsSet::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : found->second;
}

const SafetensorsEntry& SafetensorsSet::at(std::string_view name) const {
  const SafetensorsEntry* entry = find(name);
  if (!entry)
    malformed("tensor_missing", where_, "tensor {tensor} is missing", {{"tensor", "\"" + std::string(name) + "\""}});
  return *entry;
}

std::vector<const SafetensorsEntry*> SafetensorsSet::entries() const {
  std::vector<const SafetensorsEntry*> all;
  for (const auto& file : files_)
    for (const SafetensorsEntry& entry : file->entries()) all.push_back(&entry);
  return all;
}

void SafetensorsSet::release(const SafetensorsEntry& entry) const {
  for (const auto& file : files_) {
    const MappedFile& mapped = file->file();
    if (entry.data >= mapped.data() && entry.data < mapped.data() + mapped.size())
      mapped.release_pages(entry.data, entry.bytes);
  }
}

uint64_t SafetensorsSet::file_bytes() const {
  uint64_t total = 0;
  for (const auto& file : files_) total += file->file().size();
  return total;
}

}  // namespace anneal
