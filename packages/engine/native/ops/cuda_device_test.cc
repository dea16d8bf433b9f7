// Registers the GPU (emulated, or a real one where this is linked with the toolkit's runtime) as the device under test.
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "ops/cuda_kernels.h"
#include "test_support/check.h"
#include "test_support/test_device.h"

namespace anneal::test {

namespace {

class CudaTestDevice : public TestDevice {
 public:
  void* allocate(size_t bytes) override {
    void* data = nullptr;
    if (cudaMallocManaged(&data, bytes) != cudaSuccess)
      throw std::runtime_error("no " + std::to_string(bytes) + " bytes on the device");
    return data;
  }
  void release(void* data) override { cudaFree(data); }
  // Blocking: an index that a kernel refuses is thrown by the op that launched it.
  const CudaBackend* backend() override {
    static cuda::Stream* stream = cuda::create_stream(true);
    static const CudaBackend backend{cuda_kernels(), *stream};
    return &backend;
  }
  void in_all_orders(const std::function<void(int)>& body) override {
#ifdef ANNEAL_EMULATED
    emulator::set_order(emulator::Order::kForward);
    body(0);
    emulator::set_order(emulator::Order::kReversed);
    body(1);
    emulator::set_order(emulator::Order::kShuffled, 5);
    body(2);
    emulator::set_order(emulator::Order::kForward);
#else
    for (int round = 0; round < 3; ++round) body(round);
#endif
  }
};

const bool registered = (test_device() = std::make_unique<CudaTestDevice>(), true);

}  // namespace

}  // namespace anneal::test
