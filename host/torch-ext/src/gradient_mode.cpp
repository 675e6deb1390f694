// The switch of this thread that says whether libtorch records operations for the backward pass.
#include <c10/core/GradMode.h>

extern "C" {

bool ext_gradient_mode() {
  return c10::GradMode::is_enabled();
}

void ext_set_gradient_mode(bool on) {
  c10::GradMode::set_enabled(on);
}

} // extern "C"
