// The libtorch of this process. This library is linked to libtorch_cpu and libc10 alone; CUDA is reached through
// libtorch's dispatcher once libtorch_cuda has been loaded.
#include <ATen/Context.h>
#include <torch/headeronly/version.h>

#include "torch_error.h"

#include <dlfcn.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>

using torch_ext::guarded;

extern "C" {

const char* ext_libtorch_version() {
  return TORCH_VERSION;
}

// Loaded with global symbols and by its real path: libtorch_cuda finds its own dependencies relative to that.
char* ext_load_cuda() {
  return guarded([] {
    Dl_info info{};
    TORCH_CHECK(dladdr(reinterpret_cast<const void*>(&c10::GetAllocator), &info) != 0, "libc10 was not found");
    const auto folder = std::filesystem::canonical(info.dli_fname).parent_path();
    if (dlopen((folder / "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      throw std::runtime_error(dlerror());
    }
    TORCH_CHECK(at::hasCUDA(), "CUDA was asked for before libtorch_cuda was loaded; load it first");
  });
}

char* ext_cuda_device_count(int64_t* out) {
  return guarded([&] { *out = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; });
}

} // extern "C"
