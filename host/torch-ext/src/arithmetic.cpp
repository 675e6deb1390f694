// Sums with a factor, and operations without autograd's part in them.
#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/add_cpu_dispatch.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "torch_error.h"

#include <cmath>

using at::Tensor;
using torch_ext::guarded;

namespace {

// Dense on the CPU, and nothing else: its kernels can be called by name.
bool is_plain(const Tensor& tensor) {
  const auto layers = c10::autograd_dispatch_keyset_with_ADInplaceOrView | c10::autocast_dispatch_keyset;
  return (tensor.key_set() - layers) == c10::DispatchKeySet(c10::DispatchKey::CPU);
}

// A sum may call its kernel by name where nothing else has a part in it: no autograd, no tape, no autocast. The
// dispatcher takes a quarter of the time of a short sum.
bool may_skip_dispatch(const Tensor& left, const Tensor& right) {
  const auto keys = c10::impl::tls_local_dispatch_key_set();
  return !c10::GradMode::is_enabled() && keys.included_ == c10::default_included_set &&
      keys.excluded_.has_all(c10::autocast_dispatch_keyset) && is_plain(left) && is_plain(right);
}

// Sums of integers take a factor only as an integer. A factor with a fraction stays a float, which libtorch refuses; so
// does one beyond 2^53 or one that is no number, whose cast to an integer would be inexact or undefined.
at::Scalar factor(const Tensor& left, const Tensor& right, double alpha) {
  const bool integers = !left.is_floating_point() && !right.is_floating_point();
  const bool whole = std::abs(alpha) <= 0x1p53 && alpha == std::trunc(alpha);
  return integers && whole ? at::Scalar(static_cast<int64_t>(alpha)) : at::Scalar(alpha);
}

} // namespace

extern "C" {

char* ext_add(const Tensor* left, const Tensor* right, double alpha, Tensor** out) {
  return guarded([&] {
    const auto scale = factor(*left, *right, alpha);
    const bool is_short = may_skip_dispatch(*left, *right);
    *out = new Tensor(is_short ? at::cpu::add(*left, *right, scale) : at::add(*left, *right, scale));
  });
}

char* ext_add_in_place(Tensor* left, const Tensor* right, double alpha) {
  return guarded([&] {
    const auto scale = factor(*left, *right, alpha);
    if (!may_skip_dispatch(*left, *right)) {
      left->add_(*right, scale);
      return;
    }
    at::cpu::add_(*left, *right, scale);
    // The backward pass refuses a tensor that it has saved and that has changed since: the version tells.
    if (!left->is_inference()) left->unsafeGetTensorImpl()->bump_version();
  });
}

// Skips the kernels of autograd alone, not those that track views: a view must go on to know its base.
bool ext_skip_autograd_begin() {
  if (c10::GradMode::is_enabled()) return false;
  auto keys = c10::impl::tls_local_dispatch_key_set();
  if (keys.excluded_.has_all(c10::autograd_dispatch_keyset)) return false;
  keys.excluded_ = keys.excluded_ | c10::autograd_dispatch_keyset;
  c10::impl::_force_tls_local_dispatch_key_set(keys);
  return true;
}

void ext_skip_autograd_end() {
  auto keys = c10::impl::tls_local_dispatch_key_set();
  keys.excluded_ = keys.excluded_ - c10::autograd_dispatch_keyset;
  c10::impl::_force_tls_local_dispatch_key_set(keys);
}

} // extern "C"
