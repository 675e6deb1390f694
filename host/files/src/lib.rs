//! Files that are whole or not there, and names of files that are safe to take from strangers. Knows no layout: which
//! files there are is the business of whoever writes them.

pub mod atomic_file;
