// Sizes of a tensor, without an allocation. An undefined tensor has no dimensions and no elements.
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

using at::Tensor;

extern "C" {

// Writes the first `capacity` lengths and returns the number of dimensions.
size_t ext_shape(const Tensor* tensor, int64_t* out, size_t capacity) {
  if (!tensor->defined()) return 0;
  const at::IntArrayRef sizes = tensor->sizes();
  std::copy_n(sizes.begin(), std::min(sizes.size(), capacity), out);
  return sizes.size();
}

size_t ext_numel(const Tensor* tensor) {
  return tensor->defined() ? tensor->numel() : 0;
}

// The bytes of all elements; `rank` becomes the number of dimensions.
size_t ext_extent(const Tensor* tensor, size_t* rank) {
  *rank = tensor->defined() ? tensor->dim() : 0;
  return tensor->defined() ? tensor->nbytes() : 0;
}

size_t ext_bytes(const Tensor* tensor) {
  return tensor->defined() ? tensor->numel() * tensor->element_size() : 0;
}

} // extern "C"
