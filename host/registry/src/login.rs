//! Logging in to a registry. Owns the credentials of the user, as docker keeps them, and the token that a registry gives
//! for them. Credentials go to the registry that they were stored for, and to a server of the same site that gives its
//! tokens: nowhere else. Programs that keep credentials (`credsStore`) are not started.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_files::{json, regular_file};
use serde_json::Value;

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
        let wanted = match registry {
            "docker.io" => HUB,
            other => other,
        };
        let Some(auth) = entry(&config["auths"], wanted)["auth"]
            .as_str()
            .filter(|auth| !auth.is_empty())
        else {
            return Ok(None);
        };
        ensure!(is_token(auth), remedy());
        Ok(Some(format!("Basic {auth}")))
    }
}

/// The entry that is stored for a registry: under its name, or, as older programs store it, under an address of it
/// (`https://ghcr.io/v2/`).
fn entry<'a>(auths: &'a Value, registry: &str) -> &'a Value {
    let mut entries = auths.as_object().into_iter().flatten();
    let of_address = |key: &str| {
        let (_, rest) = key.split_once("://")?;
        rest.split('/').next().map(str::to_owned)
    };
    match &auths[registry] {
        Value::Null => entries
            .find(|(key, _)| of_address(key).as_deref() == Some(registry))
            .map_or(&Value::Null, |(_, entry)| entry),
        found => found,
    }
}

/// The right that a token is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Pull,
    Push,
}

/// One of a registry's demands for a log-in, of which its headers `www-authenticate` may have several.
#[derive(Default)]
struct Challenge {
    /// In lower case.
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads `Bearer realm="…",service=a, Basic realm="…"`. Half of one has no parameters.
    fn read_all(header: &str) -> Vec<Challenge> {
        let mut challenges: Vec<Challenge> = Vec::new();
        let mut rest = header.trim_start_matches(BETWEEN);
        while !rest.is_empty() {
            let end = rest.find(|sign: char| BETWEEN.contains(&sign) || sign == '=');
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            let spaced = after.trim_start_matches(' ');
            match (spaced.strip_prefix('='), challenges.last_mut()) {
                (Some(after), Some(challenge)) if !word.is_empty() => {
                    let (value, after) = value(after.trim_start_matches(' '));
                    challenge
                        .parameters
                        .push((word.to_ascii_lowercase(), value));
                    rest = after;
                }
                // A sign that stands alone is passed over.
                (Some(after), _) => rest = after,
                (None, _) => {
                    challenges.push(Challenge {
                        scheme: word.to_ascii_lowercase(),
                        ..Challenge::default()
                    });
                    rest = after;
                }
            }
            rest = rest.trim_start_matches(BETWEEN);
        }
        challenges
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The signs between the words of a demand.
const BETWEEN: [char; 3] = [' ', ',', '\t'];

/// A value with quotes, in which `\\` comes before any sign, or without; and what follows.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(BETWEEN).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut signs = quoted.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(signs.next().map(|(_, sign)| sign)),
            _ => value.push(sign),
        }
    }
    (String::new(), "")
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
    let challenges = Challenge::read_all(demand);
    let of_scheme = |scheme| challenges.iter().find(|one| one.scheme == scheme);
    match (of_scheme("bearer"), of_scheme("basic"), own) {
        (Some(bearer), _, own) => token(client, reference, bearer, (own, right)),
        (None, Some(_), Some(own)) => Ok(own),
        (None, None, _) => bail!(
            "{registry} wants a log-in as `{}`, and phasebox knows `Basic` and `Bearer`: use another registry",
            excerpt(demand)
        ),
        (None, Some(_), None) => bail!(
            "{registry} wants a log-in, and docker's config.json has none for it: log in with `docker login {registry}`, \
             `podman login` or `oras login`; those that a `credsStore` or `credHelpers` keep, and an `identitytoken`, are not read"
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
        let challenges = Challenge::read_all(whole);
        assert_eq!(challenges[0].scheme, "bearer");
        assert_eq!(challenges[0].parameter("realm"), Some("https://a/token"));
        assert_eq!(challenges[0].parameter("scope"), Some("x:y"));
        for length in 0..whole.len() {
            let half = Challenge::read_all(&whole[..length]);
            assert!(half.len() <= 2, "{length}");
        }
        for signs in ["=\"\"=\"", "====", ",=,", "a=\"\\", "\"\"\"", "é=\"ü"] {
            assert!(Challenge::read_all(signs).len() <= 3, "{signs}");
        }
    }

    #[test]
    fn one_of_several_demands_is_found() {
        for (header, realm) in [
            (
                r#"Negotiate, Basic realm="x", Bearer realm="https://a/t""#,
                "https://a/t",
            ),
            ("Bearer realm=https://a/t,service=b", "https://a/t"),
            (
                r#"bearer service = "a" , realm = "https://a/t""#,
                "https://a/t",
            ),
            (
                r#"Bearer error="say \"a, b=c\"", realm="https://a/t""#,
                "https://a/t",
            ),
        ] {
            let challenges = Challenge::read_all(header);
            let bearer = challenges.iter().find(|one| one.scheme == "bearer");
            let found = bearer.and_then(|bearer| bearer.parameter("realm"));
            assert_eq!(found, Some(realm), "{header}");
        }
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
            (
                r#"{"auths": {"https://ghcr.io/v2/": {"auth": "YTpi"}}}"#,
                Some(Some("Basic YTpi")),
            ),
            (
                r#"{"auths": {"https://ghcr.io": {"auth": "Yzpk"}, "ghcr.io": {"auth": "YTpi"}}}"#,
                Some(Some("Basic YTpi")),
            ),
            (
                r#"{"auths": {"https://ghcr.io.evil.com/v2/": {"auth": "YTpi"}, "ghcr.io/a": {"auth": "YTpi"}}}"#,
                Some(None),
            ),
            (r#"{"auths": ["ghcr.io"]}"#, Some(None)),
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
