//! libFuzzer's way into `phasebox_fuzz::monkey`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::monkey::run(bytes);
});
