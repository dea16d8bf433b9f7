// A whole file mapped read-only. Weights are used straight from the mapping, so it must outlive every Tensor made of
// it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace anneal {

class MappedFile {
 public:
  // Error(kIo) with errno when the path cannot be opened or is no regular file. An empty file maps to size() == 0.
  explicit MappedFile(const std::string& path);
  // Bytes that are in memory already, under a name for errors.
  MappedFile(std::string name, std::vector<uint8_t> bytes);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }

  // Hints: the whole file will be read front to back; or these bytes were read and may leave memory.
  void advise_sequential() const;
  void release_pages(const void* begin, size_t bytes) const;

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
  std::vector<uint8_t> held_;  // instead of a mapping
};

}  // namespace anneal
