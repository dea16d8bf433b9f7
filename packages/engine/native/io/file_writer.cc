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

[[noreturn]] void refuse(const std::string& path, const char* what) {
  const int error = errno;
  std::string text = std::string(what) + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) text += "; free some space and try again";
  throw Error(ErrorCode::kIo, path, text);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A rename is durable only once the folder's own entry is on disk.
void sync_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) refuse(folder, "cannot open the folder");
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some network file systems cannot fsync a folder and say EINVAL: there is nothing more to be done then.
  if (result != 0 && error != EINVAL) {
    errno = error;
    refuse(folder, "cannot sync the folder");
  }
}

}  // namespace

FileWriter::FileWriter(const std::string& path) : path_(path) {
  static std::atomic<unsigned> counter{0};
  temporary_ = path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) refuse(path_, "cannot create");
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
      refuse(path_, "cannot write");
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
  if (fd_ < 0) throw Error(ErrorCode::kInternal, path_, "the file was already committed");
  flush();
  if (::fsync(fd_) != 0) refuse(path_, "cannot sync");
  const int result = ::close(fd_);
  fd_ = -1;
  if (result != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    errno = error;
    refuse(path_, result != 0 ? "cannot close" : "cannot rename into place");
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
