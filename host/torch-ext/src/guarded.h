// How C++ tells Rust what went wrong: null, or the first line of an exception's message, made with `malloc`.
#pragma once
#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <exception>

namespace torch_ext {

// Only the first line: what follows in libtorch's messages is a C++ backtrace.
inline char* first_line(const char* message) {
  const size_t length = std::strcspn(message, "\n");
  char* copy = static_cast<char*>(std::malloc(length + 1));
  if (copy != nullptr) {
    std::memcpy(copy, message, length);
    copy[length] = '\0';
  }
  return copy;
}

template <class Body>
char* guarded(Body&& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return first_line(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return first_line(error.what());
  } catch (...) {
    return first_line("an unknown C++ exception");
  }
}

} // namespace torch_ext
