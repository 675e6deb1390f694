//! libFuzzer's way into `phasebox_fuzz::registry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::registry::run(bytes);
});
