// How C++ tells Rust what went wrong: null, or a message made with `malloc`, which Rust frees. No exception leaves a
// function that Rust calls.
#pragma once
#include <c10/util/Exception.h>

#include <exception>

namespace torch_ext {

// A copy of the first line of `message`: in libtorch's messages a C++ backtrace follows it.
char* first_line(const char* message);

// Runs `body`. `text_of` makes the message of what it throws, as `first_line` does.
template <class Body>
char* guarded(Body&& body, char* (*text_of)(const char*) = first_line) noexcept {
  try {
    body();
    return nullptr;
  } catch (const c10::Error& error) {
    return text_of(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return text_of(error.what());
  } catch (...) {
    return text_of("an unknown C++ exception");
  }
}

} // namespace torch_ext
