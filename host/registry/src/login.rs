//! Logging in to a registry. Owns the credentials of the user, as docker keeps them, and the token that a registry gives
//! for them. Credentials go to the registry that they were stored for, and to a server of the same site that gives its
//! tokens: nowhere else. Programs that keep credentials (`credsStore`) are not started.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_files::{json, regular_file};

use crate::address::Address;
use crate::http::{Ask, Client};
use crate::{MOST_DOCUMENT_BYTES, locator};

/// The most bytes of a token.
const MOST_TOKEN_BYTES: usize = 64 << 10;
/// The name that docker stores credentials of its own registry under.
const HUB: &str = "https://index.docker.io/v1/";

/// The user's file of credentials, which may be absent.
pub(crate) struct Credentials {
    file: Option<PathBuf>,
}

impl Credentials {
    /// Those in docker's folder.
    pub(crate) fn in_folder(folder: Option<PathBuf>) -> Credentials {
        let file = folder.map(|folder| folder.join("config.json"));
        Credentials { file }
    }

    /// Name and password for a registry, in the form of the header `authorization`.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    fn of(&self, registry: &str) -> Result<Option<String>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let shown = file.display();
        let bytes = match regular_file::read(file, MOST_DOCUMENT_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read {shown}"))?,
        };
        let remedy = || format!("{shown} is no file of credentials: repair it, or log in anew");
        let config = json::parse(&bytes).with_context(remedy)?;
        let entry = match registry {
            "docker.io" => &config["auths"][HUB],
            other => &config["auths"][other],
        };
        let Some(auth) = entry["auth"].as_str().filter(|auth| !auth.is_empty()) else {
            return Ok(None);
        };
        ensure!(is_token(auth), remedy());
        Ok(Some(format!("Basic {auth}")))
    }
}

/// The right that a token is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Pull,
    Push,
}

/// A registry's demand for a log-in: its header `www-authenticate`.
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads `Bearer realm="…",service="…"`. Half of one has no parameters.
    fn read(header: &str) -> Challenge {
        let (scheme, mut rest) = header.split_once(' ').unwrap_or((header, ""));
        let mut parameters = Vec::new();
        while let Some((name, after)) = rest.split_once("=\"") {
            let Some((value, next)) = after.split_once('"') else {
                break;
            };
            let name = name.trim_start_matches([',', ' ']);
            parameters.push((name.to_ascii_lowercase(), value.to_owned()));
            rest = next;
        }
        Challenge {
            scheme: scheme.to_ascii_lowercase(),
            parameters,
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Answers a registry's demand with the value of the header `authorization`.
///
/// # Errors
/// No credentials where it wants some, or a server of tokens that gives none.
pub(crate) fn log_in(
    client: &Client,
    credentials: &Credentials,
    reference: &locator::Reference,
    (demand, right): (&str, Right),
) -> Result<String> {
    let registry = reference.registry();
    let own = credentials.of(registry)?;
    let challenge = Challenge::read(demand);
    match (challenge.scheme.as_str(), own) {
        ("basic", Some(own)) => Ok(own),
        ("bearer", own) => token(client, reference, &challenge, (own, right)),
        _ => bail!(
            "{registry} wants a log-in, and docker's config.json has none for it: log in with `docker login {registry}`, \
             `podman login` or `oras login`; names and passwords that a `credsStore` keeps are not read"
        ),
    }
}

fn token(
    client: &Client,
    reference: &locator::Reference,
    challenge: &Challenge,
    (own, right): (Option<String>, Right),
) -> Result<String> {
    let registry = reference.registry();
    let realm = challenge.parameter("realm").unwrap_or_default();
    let wrong = || format!("{registry} wants a token from `{}`", excerpt(realm));
    let realm: Address = realm.parse().with_context(wrong)?;
    let base = reference.base()?;
    ensure!(
        realm.is_loopback() == base.is_loopback(),
        "{}, which is on the other side of this machine: name the registry by another address",
        wrong()
    );
    let rights = if right == Right::Push {
        "pull,push"
    } else {
        "pull"
    };
    let scope = format!("repository:{}:{rights}", reference.repository());
    let service = challenge.parameter("service").unwrap_or(registry);
    let query = format!("service={}&scope={}", encoded(service), encoded(&scope));
    let sign = if realm.uri().query().is_some() {
        '&'
    } else {
        '?'
    };
    let asked = format!("{}{sign}{query}", realm.uri()).parse();
    let mut ask = Ask::get(asked.with_context(wrong)?, MOST_DOCUMENT_BYTES);
    let own = own.filter(|_| is_of_site(&realm.host(), &base.host()));
    ask.headers.extend(own.map(|own| ("authorization", own)));
    let answer = client.ask(ask)?;
    ensure!(
        answer.status == 200,
        "{}, which refuses it (status {}): log in with `docker login {registry}`, and check the name",
        wrong(),
        answer.status
    );
    let none = || format!("{}, which gives none: ask whoever runs it", wrong());
    let given = json::parse(&answer.body).with_context(none)?;
    let token = given["token"].as_str().or(given["access_token"].as_str());
    let token = token.filter(|token| is_token(token)).with_context(none)?;
    Ok(format!("Bearer {token}"))
}

/// True if a server may see what is stored for another: `auth.docker.io` for `registry-1.docker.io`, `gitlab.com` for
/// `registry.gitlab.com`.
fn is_of_site(host: &str, registry: &str) -> bool {
    let site = |host: &str| -> Vec<String> {
        let labels: Vec<&str> = host.rsplit('.').take(2).collect();
        labels.into_iter().map(str::to_owned).collect()
    };
    let is_name = host.contains('.') && host.parse::<std::net::Ipv4Addr>().is_err();
    host == registry || (is_name && site(host) == site(registry))
}

fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.len() <= MOST_TOKEN_BYTES && text.bytes().all(is_of_token)
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_read_however_it_is_cut() {
        let whole = r#"Bearer realm="https://a/token",service="a b", Scope="x:y""#;
        let challenge = Challenge::read(whole);
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.parameter("realm"), Some("https://a/token"));
        assert_eq!(challenge.parameter("scope"), Some("x:y"));
        for length in 0..whole.len() {
            let half = Challenge::read(&whole[..length]);
            assert!(half.parameters.len() <= 2, "{length}");
        }
        assert!(Challenge::read("=\"\"=\"").parameters.len() <= 1);
    }

    #[test]
    fn credentials_stay_on_their_site() {
        for (host, registry, expected) in [
            ("ghcr.io", "ghcr.io", true),
            ("auth.docker.io", "registry-1.docker.io", true),
            ("gitlab.com", "registry.gitlab.com", true),
            ("evil.com", "registry.gitlab.com", false),
            ("docker.io.evil.com", "registry-1.docker.io", false),
            ("10.0.0.1", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("io", "ghcr.io", false),
        ] {
            assert_eq!(is_of_site(host, registry), expected, "{host} {registry}");
        }
    }

    #[test]
    fn credentials_are_those_of_one_registry() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let credentials = Credentials::in_folder(Some(folder.path().to_owned()));
        assert_eq!(credentials.of("ghcr.io")?, None);
        for (text, expected) in [
            ("{}", Some(None)),
            (
                r#"{"auths": {"ghcr.io": {"auth": "YTpi"}}}"#,
                Some(Some("Basic YTpi")),
            ),
            (
                r#"{"auths": {"ghcr.io": {}}, "credsStore": "desktop"}"#,
                Some(None),
            ),
            (r#"{"auths": {"other.io": {"auth": "YTpi"}}}"#, Some(None)),
            (r#"{"auths": {"ghcr.io": {"auth": "a\r\nb: c"}}}"#, None),
            ("{", None),
        ] {
            std::fs::write(folder.path().join("config.json"), text)?;
            let found = credentials.of("ghcr.io").ok();
            assert_eq!(found.as_ref().map(Option::as_deref), expected, "{text}");
        }
        Ok(())
    }
}
