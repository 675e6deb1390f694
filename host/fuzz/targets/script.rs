//! libFuzzer's way into `phasebox_fuzz::script`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::script::run(bytes);
});
