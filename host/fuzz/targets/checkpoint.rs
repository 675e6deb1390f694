//! libFuzzer's way into `phasebox_fuzz::checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::checkpoint::run(bytes);
});
