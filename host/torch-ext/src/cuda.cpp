// Streams, graphs and memory of CUDA. A library of its own, for libtorch_cuda's symbols are there only once that has
// been loaded: they are left undefined here and found when this is opened after it. Same rules as shim.cpp: null or a
// message from `malloc`, no exception.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "guarded.h"

using at::cuda::CUDAGraph;
using c10::cuda::CUDAStream;
using torch_ext::guarded;

namespace {

c10::CachingDeviceAllocator::DeviceStats statistics(int device) {
  return c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
}

// The sum over both pools of sizes.
const auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);

} // namespace

extern "C" {

// A stream of the pool becomes this thread's; what was queued on the device before is waited for, so that the new
// stream sees it.
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

char* ext_cuda_synchronize() {
  return guarded([] { c10::cuda::device_synchronize(); });
}

char* ext_cuda_memory(int device, int64_t* allocated, int64_t* peak, int64_t* reserved) {
  return guarded([&] {
    const auto all = statistics(device);
    *allocated = all.allocated_bytes[kAll].current;
    *peak = all.allocated_bytes[kAll].peak;
    *reserved = all.reserved_bytes[kAll].current;
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

// Only this thread is kept from calls that a capture does not allow: others load batches meanwhile.
char* ext_cuda_graph_begin(void* graph, const uint64_t* pool) {
  return guarded([&] {
    static_cast<CUDAGraph*>(graph)->capture_begin({pool[0], pool[1]}, cudaStreamCaptureModeThreadLocal);
  });
}

char* ext_cuda_graph_end(void* graph) {
  return guarded([&] { static_cast<CUDAGraph*>(graph)->capture_end(); });
}

char* ext_cuda_graph_replay(void* graph) {
  return guarded([&] { static_cast<CUDAGraph*>(graph)->replay(); });
}

void ext_cuda_graph_free(void* graph) {
  delete static_cast<CUDAGraph*>(graph);
}

} // extern "C"
