//! libFuzzer's way into `phasebox_fuzz::project`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::project::run(bytes);
});
