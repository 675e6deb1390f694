//! libFuzzer's way into `phasebox_fuzz::debug_info`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::debug_info::run(bytes);
});
