//! libFuzzer's way into `phasebox_fuzz::lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::lock::run(bytes);
});
