//! libFuzzer's way into `phasebox_fuzz::component`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    phasebox_fuzz::component::run(bytes);
});
