//! Log lines with the arguments of `format!`. Each costs one crossing and never syncs.

/// One line at level `trace`.
#[macro_export]
macro_rules! trace { ($($text:tt)*) => { $crate::log_at!(Trace, $($text)*) }; }

/// One line at level `debug`.
#[macro_export]
macro_rules! debug { ($($text:tt)*) => { $crate::log_at!(Debug, $($text)*) }; }

/// One line at level `info`.
#[macro_export]
macro_rules! info { ($($text:tt)*) => { $crate::log_at!(Info, $($text)*) }; }

/// One line at level `warn`.
#[macro_export]
macro_rules! warn { ($($text:tt)*) => { $crate::log_at!(Warn, $($text)*) }; }

/// One line at level `error`.
#[macro_export]
macro_rules! error { ($($text:tt)*) => { $crate::log_at!(Error, $($text)*) }; }

/// The expansion of the five macros above.
#[doc(hidden)]
#[macro_export]
macro_rules! log_at {
    ($level:ident, $($text:tt)*) => {
        $crate::bindings::phasebox::train::diagnostics::log(
            $crate::bindings::phasebox::train::types::Level::$level,
            &::std::format!($($text)*),
        )
    };
}
