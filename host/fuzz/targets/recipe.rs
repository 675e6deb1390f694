//! libFuzzer's way into `phasebox_fuzz::recipe`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::recipe::run(bytes);
});
