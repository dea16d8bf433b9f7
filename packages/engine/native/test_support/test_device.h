// Where the tests of ops keep their buffers and run: the CPU, or a device that a test program registers.
#pragma once
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "core/buffer.h"
#include "test_support/check.h"

namespace anneal {
struct CudaBackend;
}

namespace anneal::test {

class TestDevice {
 public:
  virtual ~TestDevice() = default;
  // Memory of the device that the host can read and write between ops.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* data) = 0;
  virtual const CudaBackend* backend() = 0;
  // Runs body once for each order of threads; its argument counts from 0.
  virtual void in_all_orders(const std::function<void(int)>& body) = 0;
};

// Null: the CPU.
inline std::unique_ptr<TestDevice>& test_device() {
  static std::unique_ptr<TestDevice> device;
  return device;
}

// True where the op under test cannot run on the device of this program; says so.
inline bool has_no_kernel(const char* op) {
  if (!test_device()) return false;
  std::printf("  not run: %s has no CUDA kernel yet\n", op);
  case_is_skipped() = true;
  return true;
}

// Zeroed memory of the device under test, as Buffer is of the CPU's.
class TestBuffer {
 public:
  TestBuffer() = default;
  TestBuffer(DType dtype, const Shape& shape) : dtype_(dtype), shape_(shape), bytes_(dense_bytes(dtype, shape)) {
    if (!test_device()) {
      host_ = Buffer(dtype, shape);
      data_ = host_.data();
      return;
    }
    data_ = test_device()->allocate(bytes_);
    std::memset(data_, 0, bytes_);
  }
  ~TestBuffer() {
    if (data_ && !host_.data()) test_device()->release(data_);
  }
  TestBuffer(TestBuffer&& o) noexcept
      : host_(std::move(o.host_)),
        data_(std::exchange(o.data_, nullptr)),
        dtype_(o.dtype_),
        shape_(o.shape_),
        bytes_(o.bytes_) {}
  TestBuffer& operator=(TestBuffer&& o) noexcept {
    TestBuffer moved(std::move(o));
    std::swap(host_, moved.host_), std::swap(data_, moved.data_), std::swap(dtype_, moved.dtype_);
    std::swap(shape_, moved.shape_), std::swap(bytes_, moved.bytes_);
    return *this;
  }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Tensor tensor() const { return {data_, dtype_, shape_}; }

 private:
  Buffer host_;
  void* data_ = nullptr;
  DType dtype_ = DType::kF32;
  Shape shape_;
  size_t bytes_ = 0;
};

}  // namespace anneal::test
