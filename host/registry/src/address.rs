//! Addresses that may be asked. Owns the rules: https, or http on the machine itself; no credentials inside; no path that
//! leads upwards. A redirect is held to the same, and never leads from https to http.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, ensure};
use phasebox_contract::printable::excerpt;
use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

/// The most bytes of an address.
const MOST_BYTES: usize = 2048;

/// An address that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(Uri);

impl Address {
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    /// The host without its port, in lower case.
    pub(crate) fn host(&self) -> String {
        self.0.host().unwrap_or_default().to_ascii_lowercase()
    }

    /// The host with its port, as it is written.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", Authority::as_str)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// True for this machine's own.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host())
    }

    /// True if both are answered by the same server, who may then see the same credentials.
    pub(crate) fn has_origin_of(&self, other: &Address) -> bool {
        let origin = |address: &Address| (address.is_https(), address.authority().to_lowercase());
        origin(self) == origin(other)
    }

    /// The address that a redirect from here leads to.
    ///
    /// # Errors
    /// An address that may not be asked, or plain http after https.
    pub(crate) fn redirected(&self, location: &str) -> Result<Address> {
        let next = self.join(location);
        let refused = || format!("{self} redirects to `{}`", excerpt(location));
        let next: Address = next.parse().with_context(refused)?;
        ensure!(
            next.is_https() || !self.is_https(),
            "{}, which is not encrypted: name an address that stays with https",
            refused()
        );
        ensure!(
            next.is_loopback() == self.is_loopback(),
            "{}: a redirect leads neither to this machine nor away from it; name that address itself",
            refused()
        );
        Ok(next)
    }

    /// A location as it is written in an answer: whole, or without its beginning.
    fn join(&self, location: &str) -> String {
        let scheme = self.0.scheme_str().unwrap_or_default();
        if let Some(rest) = location.strip_prefix("//") {
            return format!("{scheme}://{rest}");
        }
        if location.contains("://") {
            return location.to_owned();
        }
        let folder = match location.starts_with('/') {
            true => "",
            false => self
                .path()
                .rsplit_once('/')
                .map_or("/", |(folder, _)| folder),
        };
        let slash = if location.starts_with('/') { "" } else { "/" };
        format!("{scheme}://{}{folder}{slash}{location}", self.authority())
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Address> {
        let shown = excerpt(text);
        ensure!(
            text.len() <= MOST_BYTES,
            "`{shown}` has {} bytes, and an address may have {MOST_BYTES}: use a shorter one",
            text.len()
        );
        let no_address = || format!("`{shown}` is no address: write `https://HOST/PATH`");
        ensure!(text.is_ascii(), no_address());
        let uri: Uri = text.parse().with_context(no_address)?;
        let address = Address(uri);
        ensure!(!address.host().is_empty(), no_address());
        ensure!(address.has_whole_authority(), no_address());
        ensure!(
            !address.authority().contains('@'),
            "`{shown}` holds credentials, which logs and locks would show: take them out; those for a registry \
             stand in docker's config.json"
        );
        ensure!(
            address.is_https() || (address.is_http() && address.is_loopback()),
            "`{shown}` is not encrypted: use https; http is for this machine alone (localhost, 127.0.0.1)"
        );
        ensure!(
            !leads_upwards(address.path()),
            "`{shown}` has a path that leads upwards: write the path that it leads to"
        );
        Ok(address)
    }
}

impl Address {
    /// True for a host alone, or a host and a port that is one.
    fn has_whole_authority(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let (_, own) = self
            .authority()
            .rsplit_once('@')
            .unwrap_or(("", self.authority()));
        match own.strip_prefix(host) {
            Some("") => true,
            Some(port) => port
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)),
            None => false,
        }
    }

    fn is_http(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTP)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What follows the path may be a key to it: storage behind registries signs its addresses so.
        let scheme = self.0.scheme_str().unwrap_or_default();
        let shown = format!("{scheme}://{}{}", self.authority(), self.path());
        formatter.write_str(&excerpt(&shown))
    }
}

/// True for hosts that are this machine, whatever the network.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let ip: Option<IpAddr> = bare.parse().ok();
    let ip = ip.map(|ip| ip.to_canonical());
    let name = host.strip_suffix('.').unwrap_or(host);
    // The address of nobody in particular leads to this machine too.
    name.eq_ignore_ascii_case("localhost")
        || ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// True for a path with `..`, however it is written.
fn leads_upwards(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".");
    let plain = plain
        .replace("%2f", "/")
        .replace("%5c", "/")
        .replace('\\', "/");
    plain.split('/').any(|part| [".", ".."].contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, refused: Option<&str>) {
        let parsed: Result<Address> = text.parse();
        let error = parsed.err().map(|error| format!("{error:#}"));
        match (refused, &error) {
            (None, None) => {}
            (Some(words), Some(error)) => assert!(error.contains(words), "{text}: {error}"),
            _ => panic!("{text}: {error:?}"),
        }
    }

    #[test]
    fn only_encrypted_addresses_are_asked_and_those_of_this_machine() {
        for text in [
            "https://example.com/x.wasm",
            "https://example.com:8443/a/b.wasm?version=3",
            "http://127.0.0.1:5000/x.wasm",
            "http://[::1]:5000/x.wasm",
            "http://localhost/x.wasm",
            "http://LOCALHOST./x.wasm",
            "http://0.0.0.0:5000/x.wasm",
            "http://[::]:5000/x.wasm",
            "http://[::ffff:127.0.0.1]/x.wasm",
            "https://example.com:65535/x.wasm",
        ] {
            check(text, None);
        }
        for (text, words) in [
            ("http://example.com/x.wasm", "is not encrypted"),
            ("http://127.0.0.1.example.com/x.wasm", "is not encrypted"),
            ("http://127.0.0.1@example.com/x.wasm", "holds credentials"),
            ("https://ann:secret@example.com/x.wasm", "holds credentials"),
            ("http://localhost.example.com/x.wasm", "is not encrypted"),
            ("http://0.0.0.1/x.wasm", "is not encrypted"),
            ("https://example.com:65536/x.wasm", "is no address"),
            ("ftp://localhost/x.wasm", "is not encrypted"),
            ("file:///etc/passwd", "is no address"),
            ("https:///x.wasm", "is no address"),
            ("https://example.com/a b", "is no address"),
            ("https://exämple.com/", "is no address"),
            ("https://example.com/a/../b.wasm", "leads upwards"),
            ("https://example.com/a/%2E%2e/b.wasm", "leads upwards"),
            ("https://example.com/a/..%2fb.wasm", "leads upwards"),
            (
                &format!("https://example.com/{}", "a".repeat(3000)),
                "3020 bytes",
            ),
        ] {
            check(text, Some(words));
        }
    }

    #[test]
    fn a_redirect_stays_encrypted_and_on_its_side_of_the_machine() {
        let from: Address = "https://example.com/a/b.wasm".parse().expect("an address");
        for (location, expected) in [
            ("https://cdn.example.com/c", Ok("https://cdn.example.com/c")),
            ("//cdn.example.com/c", Ok("https://cdn.example.com/c")),
            ("/c?signature=1", Ok("https://example.com/c")),
            ("c.wasm", Ok("https://example.com/a/c.wasm")),
            ("http://example.com/c", Err("is not encrypted")),
            ("http://127.0.0.1/c", Err("is not encrypted")),
            ("https://127.0.0.1/c", Err("neither to this machine")),
            ("file:///etc/passwd", Err("is no address")),
            ("", Ok("https://example.com/a/")),
            ("../c", Err("leads upwards")),
        ] {
            let next = from.redirected(location).map(|next| next.to_string());
            match (next, expected) {
                (Ok(next), Ok(expected)) => assert_eq!(next, expected),
                (Err(error), Err(words)) => {
                    assert!(
                        format!("{error:#}").contains(words),
                        "{location}: {error:#}"
                    );
                }
                (next, _) => panic!("{location}: {next:?}"),
            }
        }
    }
}
