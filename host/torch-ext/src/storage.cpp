// The memory of a tensor.
#include <ATen/core/Tensor.h>

#include "torch_error.h"

#include <cstddef>

using at::Tensor;
using torch_ext::guarded;

extern "C" {

char* ext_channels_last(const Tensor* tensor, Tensor** out) {
  return guarded([&] { *out = new Tensor(tensor->contiguous(at::MemoryFormat::ChannelsLast)); });
}

bool ext_shares_storage(const Tensor* left, const Tensor* right) {
  return left->defined() && right->defined() && left->has_storage() && right->has_storage() &&
      left->storage().is_alias_of(right->storage());
}

bool ext_is_same(const Tensor* left, const Tensor* right) {
  return left->is_same(*right);
}

char* ext_storage_bytes(const Tensor* tensor, size_t* out) {
  return guarded([&] { *out = tensor->defined() && tensor->has_storage() ? tensor->storage().nbytes() : 0; });
}

} // extern "C"
