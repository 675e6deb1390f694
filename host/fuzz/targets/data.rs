//! libFuzzer's way into `phasebox_fuzz::data`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::data::run(bytes);
});
