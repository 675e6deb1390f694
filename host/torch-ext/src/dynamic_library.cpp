// A shared library that is opened from memory: there is no file that could be missing or be exchanged.
#include "torch_error.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

using torch_ext::guarded;

extern "C" {

// The library is never closed.
char* ext_open_library(const uint8_t* bytes, size_t length, void** out) {
  return guarded([&] {
    const int file = memfd_create("torch_ext_cuda", MFD_CLOEXEC);
    TORCH_CHECK(file >= 0, "memory for a library cannot be had: ", std::strerror(errno));
    size_t written = 0;
    while (written < length) {
      const ssize_t count = write(file, bytes + written, length - written);
      TORCH_CHECK(count > 0, "memory for a library cannot be written: ", std::strerror(errno));
      written += static_cast<size_t>(count);
    }
    *out = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
    close(file);
    if (*out == nullptr) throw std::runtime_error(dlerror());
  });
}

char* ext_library_symbol(void* library, const char* name, void** out) {
  return guarded([&] {
    *out = dlsym(library, name);
    TORCH_CHECK(*out != nullptr, "it has no ", name);
  });
}

} // extern "C"
