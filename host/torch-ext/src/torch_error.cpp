// The text of errors: see torch_error.h.
#include "torch_error.h"

#include <c10/util/Logging.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

namespace torch_ext {

namespace {

// libtorch looks up the symbols of a backtrace for each exception. Nobody reads it here, and it took most of the time
// of a refused call; a callback may be refused thousands of times.
[[maybe_unused]] const bool without_backtraces = [] {
  c10::SetStackTraceFetcher(std::function<std::string()>([] { return std::string(); }));
  return true;
}();

} // namespace

char* first_line(const char* message) {
  const size_t length = std::strcspn(message, "\n");
  char* copy = static_cast<char*>(std::malloc(length + 1));
  if (copy != nullptr) {
    std::memcpy(copy, message, length);
    copy[length] = '\0';
  }
  return copy;
}

} // namespace torch_ext
