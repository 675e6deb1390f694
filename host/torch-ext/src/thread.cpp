// How many threads an operation of libtorch takes from the thread that calls it.
#include <ATen/Parallel.h>

#include <dlfcn.h>

extern "C" {

// OpenMP's count belongs to the calling thread, where `at::set_num_threads` also changes the count of threads that start
// later. The function is looked up in the OpenMP that libtorch has loaded: linking one could load another beside it. A libtorch
// without OpenMP has no such teams.
void ext_compute_alone() {
  at::get_num_threads(); // libtorch sets the thread's count at its first call, and never again
  auto* set_count = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (set_count != nullptr) set_count(1);
}

} // extern "C"
