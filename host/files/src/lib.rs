//! Files that are whole or not there, names of files that are safe to take from strangers, and the door to what
//! strangers wrote. Knows no layout: which files there are is the business of whoever writes them.

pub mod atomic_file;
pub mod json;
pub mod regular_file;
