// Streams and graphs of CUDA. A library of its own: the symbols of libtorch_cuda are there only once that has been
// loaded, so they stay undefined here and are found when this library is opened after libtorch_cuda.
#include <ATen/core/Generator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "torch_error.h"

#include <cstdint>
#include <memory>
#include <mutex>

using at::cuda::CUDAGraph;
using c10::cuda::CUDAStream;
using torch_ext::guarded;

namespace {

// What libtorch leaves behind where a recording fails: memory that is still asked of the pool, and a generator that
// takes every draw for one of the recording.
void abandon_recording(const uint64_t* pool) {
  const auto device = c10::cuda::current_device();
  try {
    c10::cuda::CUDACachingAllocator::endAllocateToPool(device, {pool[0], pool[1]});
  } catch (const c10::Error&) {
    // The failure came before the pool was used, or after it was left.
  }
  auto generator = at::cuda::detail::getDefaultCUDAGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.graphsafe_set_state(generator.clone());
}

// Runs one end of a recording. What fails there leaves no recording under way.
template <class Body>
void or_abandon(const uint64_t* pool, Body&& body) {
  try {
    body();
  } catch (...) {
    abandon_recording(pool);
    throw;
  }
}

} // namespace

extern "C" {

// Makes a stream of libtorch's pool current for this thread. Waits for the device first, so that the new stream sees
// all that was queued before.
char* ext_cuda_stream_enter(int device, void** previous) {
  return guarded([&] {
    const auto index = static_cast<c10::DeviceIndex>(device);
    const c10::cuda::CUDAGuard guard(index);
    c10::cuda::device_synchronize();
    *previous = new CUDAStream(c10::cuda::getCurrentCUDAStream(index));
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index));
  });
}

char* ext_cuda_stream_leave(void* previous) {
  return guarded([&] {
    const std::unique_ptr<CUDAStream> stream(static_cast<CUDAStream*>(previous));
    c10::cuda::getCurrentCUDAStream(stream->device_index()).synchronize();
    c10::cuda::setCurrentCUDAStream(*stream);
  });
}

char* ext_cuda_pool(uint64_t* pool) {
  return guarded([&] {
    const auto id = at::cuda::graph_pool_handle();
    pool[0] = id.first;
    pool[1] = id.second;
  });
}

char* ext_cuda_graph_new(void** out) {
  return guarded([&] { *out = new CUDAGraph(); });
}

// CUDA refuses some calls during a recording. It refuses them to this thread only: others load batches meanwhile.
char* ext_cuda_graph_begin(void* graph, const uint64_t* pool) {
  return guarded([&] {
    or_abandon(pool, [&] {
      static_cast<CUDAGraph*>(graph)->capture_begin({pool[0], pool[1]}, cudaStreamCaptureModeThreadLocal);
    });
  });
}

char* ext_cuda_graph_end(void* graph, const uint64_t* pool) {
  return guarded([&] { or_abandon(pool, [&] { static_cast<CUDAGraph*>(graph)->capture_end(); }); });
}

char* ext_cuda_graph_replay(void* graph) {
  return guarded([&] { static_cast<CUDAGraph*>(graph)->replay(); });
}

void ext_cuda_graph_free(void* graph) {
  delete static_cast<CUDAGraph*>(graph);
}

} // extern "C"
