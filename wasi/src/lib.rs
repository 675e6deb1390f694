//! WASI 0.2 with nothing behind it: what toolchains import because they always do. phasebox puts this component inside a
//! callback that imports WASI; the host itself links none. It can reach `phasebox:train/process` and nothing else.
//!
//! Output goes to the log. There are no arguments, no variables, no files and no network: each is empty or answers an error.
//! Time stands at the beginning of the year 2000 and passes only when it is asked for, and sleeping takes no time.
//!
//! A resource that nobody can get a handle to, such as an open file, is a type without values. So the compiler shows that
//! its functions are never called.
//!
//! | file | owns |
//! |---|---|
//! | `program` | arguments, variables, the end of the program, terminals |
//! | `streams` | standard input, output and error |
//! | `time` | clocks, and waiting for them |
//! | `numbers` | random numbers |
//! | `files`, `sockets`, `http` | what there is none of |

mod files;
mod http;
mod numbers;
mod program;
mod sockets;
mod streams;
mod time;

mod bindings {
    #![allow(
        missing_docs,
        unsafe_code,
        reason = "wit-bindgen writes no documentation, and reads and writes the memory of the component"
    )]

    wit_bindgen::generate!({
        path: ["../wit", "wit"],
        world: "phasebox:wasi/nothing",
        generate_all,
    });

    export!(Nothing);

    pub(crate) use super::Nothing;
}

/// The component, which has no state of its own: the resources and the clock do.
pub(crate) struct Nothing;

/// The functions of a resource that does not exist: nobody holds a handle that they could be called with.
macro_rules! never {
    ($($function:ident($($argument:ty),*) $(-> $answer:ty)?;)*) => {
        $(fn $function(&self $(, _: $argument)*) $(-> $answer)? {
            match *self {}
        })*
    };
}
pub(crate) use never;
