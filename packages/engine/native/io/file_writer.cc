#include "io/file_writer.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"

namespace anneal {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A rename is durable only once the folder's own entry is on disk.
void sync_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) io_failed("folder_open_failed", folder, "cannot open the folder: {cause}", errno);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some network file systems cannot fsync a folder and say EINVAL: there is nothing more to be done then.
  if (result != 0 && error != EINVAL) io_failed("folder_sync_failed", folder, "cannot sync the folder: {cause}", error);
}

}  // namespace

FileWriter::FileWriter(const std::string& path) : path_(path) {
  static std::atomic<unsigned> counter{0};
  temporary_ = path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) io_failed("file_create_failed", path_, "cannot create: {cause}", errno);
  buffer_.reserve(kBufferBytes);
}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void FileWriter::flush() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      io_failed("file_write_failed", path_, "cannot write: {cause}", errno);
    }
    done += static_cast<size_t>(n);
  }
  digest_.update(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void FileWriter::write(const void* data, size_t bytes) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  position_ += bytes;
  while (bytes > 0) {
    const size_t take = std::min(bytes, kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), p, p + take);
    p += take, bytes -= take;
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void FileWriter::write_zeros(size_t bytes) {
  static const uint8_t zeros[4096] = {};
  while (bytes > 0) {
    const size_t take = std::min(bytes, sizeof zeros);
    write(zeros, take);
    bytes -= take;
  }
}

SavedFile FileWriter::commit() {
  if (fd_ < 0) throw Error(ErrorCode::kInternal, "file_already_committed", path_, "the file was already committed");
  flush();
  if (::fsync(fd_) != 0) io_failed("file_sync_failed", path_, "cannot sync: {cause}", errno);
  const int result = ::close(fd_);
  fd_ = -1;
  if (result != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    if (result != 0) io_failed("file_close_failed", path_, "cannot close: {cause}", error);
    io_failed("file_rename_failed", path_, "cannot rename into place: {cause}", error);
  }
  sync_folder(path_);
  return {digest_.finish_hex(), position_};
}

SavedFile write_file(const std::string& path, const std::string& content) {
  FileWriter writer(path);
  writer.write(content.data(), content.size());
  return writer.commit();
}

}  // namespace anneal
