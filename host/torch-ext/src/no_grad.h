// Work that autograd does not record: parameters may be changed in place in it.
#pragma once
#include <ATen/core/grad_mode.h>

#include "torch_error.h"

namespace torch_ext {

// Runs `body` as `guarded` does.
template <class Body>
char* no_grad(Body&& body) noexcept {
  return guarded([&] {
    const at::NoGradGuard guard;
    body();
  });
}

} // namespace torch_ext
