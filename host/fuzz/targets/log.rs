//! libFuzzer's way into `phasebox_fuzz::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::log::run(bytes);
});
