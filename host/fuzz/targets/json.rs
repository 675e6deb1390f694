//! libFuzzer's way into `phasebox_fuzz::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::json::run(bytes);
});
