//! libFuzzer's way into `phasebox_fuzz::trace`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::trace::run(bytes);
});
