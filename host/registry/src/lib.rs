//! Callbacks from the network: `https://…/x.wasm`, and `oci://HOST/NAME:TAG` from a registry of components. Bytes are held
//! to a digest and kept in the user's cache. Whoever answers may be hostile: sizes, times, addresses and types are bounded
//! before anything is believed. Knows no recipe, and runs nothing of what it fetches.
//!
//! | file | owns |
//! |---|---|
//! | `locator` | the two forms of a place on the network |
//! | `address` | which addresses may be asked, and which a redirect may lead to |
//! | `http` | one question over HTTP: its sizes, its time, its redirects, and a signal that ends it |
//! | `authorities` | the authorities whose certificates are trusted |
//! | `login` | credentials of the user, and the token of a registry |
//! | `repository` | the questions that a registry answers |
//! | `manifest` | a manifest and its config, as published by this program, `wkg` and others |
//! | `cache` | the files that were fetched, by digest |
//! | `downloads` | the way from a locator to a file |
//! | `publication` | the way from a file into a registry |

mod address;
mod authorities;
mod cache;
mod downloads;
mod http;
mod locator;
mod login;
mod manifest;
mod publication;
mod repository;

pub use self::downloads::{Downloads, Fetched, User};
pub use self::locator::{Locator, Reference};
pub use self::manifest::{Config, Manifest};
pub use self::publication::{Publication, Published};

/// The most bytes of a component; a Python component has 18 MB.
const MOST_COMPONENT_BYTES: u64 = 64 << 20;
/// The most bytes of a manifest, a config, a token or a file of credentials.
const MOST_DOCUMENT_BYTES: u64 = 1 << 20;
