// Streaming file output that appears under its name only when whole: temporary file beside it, fsync, rename, fsync of
// the folder. The digest is computed on the way, so that nobody reads the file again to learn it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/sha256.h"

namespace anneal {

// What a finished writer reports.
struct SavedFile {
  std::string sha256;  // 64 hex digits
  uint64_t bytes = 0;
};

class FileWriter {
 public:
  // Opens PATH.tmp-<pid>-<n>. Error(kIo) names the path and errno.
  explicit FileWriter(const std::string& path);
  // Removes the temporary file unless commit() ran.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* data, size_t bytes);
  void write_zeros(size_t bytes);
  uint64_t position() const { return position_; }
  const std::string& path() const { return path_; }

  // Flush, fsync, rename over PATH, fsync of its folder.
  SavedFile commit();

 private:
  void flush();
  std::string path_;
  std::string temporary_;
  int fd_ = -1;
  uint64_t position_ = 0;
  std::vector<uint8_t> buffer_;
  Sha256 digest_;
};

// Small whole files (adapter_config.json, config.json) with the same guarantees.
SavedFile write_file(const std::string& path, const std::string& content);

}  // namespace anneal
