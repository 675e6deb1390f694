//! libFuzzer's way into `phasebox_fuzz::weights`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::weights::run(bytes);
});
