#include "io/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace anneal {
MappedFile::MappedFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO must not hang before fstat can refuse it.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) io_failed("file_open_failed", path, "cannot open: {cause}", errno);
  struct stat info;
  if (::fstat(fd, &info) != 0) {
    const int error = errno;
    ::close(fd);
    io_failed("file_stat_failed", path, "cannot stat: {cause}", error);
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    throw Error(ErrorCode::kIo, "not_regular_file", path, "is no regular file");
  }
  size_ = static_cast<size_t>(info.st_size);
  if (size_ > 0) {
    void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED) {
      const int error = errno;
      ::close(fd);
      io_failed("file_map_failed", path, "cannot map: {cause}", error);
    }
    data_ = static_cast<const uint8_t*>(memory);
  }
  ::close(fd);
}

MappedFile::MappedFile(std::string name, std::vector<uint8_t> bytes) : path_(std::move(name)), held_(std::move(bytes)) {
  data_ = held_.empty() ? nullptr : held_.data();
  size_ = held_.size();
}

MappedFile::~MappedFile() {
  if (data_ && held_.empty()) ::munmap(const_cast<uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)),
      held_(std::move(other.held_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  std::swap(held_, other.held_);
  return *this;
}

void MappedFile::advise_sequential() const {
  if (data_ && held_.empty()) ::madvise(const_cast<uint8_t*>(data_), size_, MADV_SEQUENTIAL);
}

void MappedFile::release_pages(const void* begin, size_t bytes) const {
  if (!data_ || !held_.empty() || bytes == 0) return;
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t offset = static_cast<size_t>(static_cast<const uint8_t*>(begin) - data_);
  // Only whole pages inside the range; the mapping is read-only, so dropped pages can be read again.
  const size_t first = (offset + page - 1) / page * page, last = (offset + bytes) / page * page;
  if (first < last) ::madvise(const_cast<uint8_t*>(data_) + first, last - first, MADV_DONTNEED);
}

}  // namespace anneal
