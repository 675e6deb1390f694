//! Registries that speak TLS with certificates of an authority of our own, reached through a proxy, as inside of a company.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use super::docker::Registry;
use super::{clip, command, hostile, scratch};
use crate::harness::{Finished, Scratch};

/// The name that the proxy leads to a registry; nobody else has it.
const NAME: &str = "registry.test";
const LOCATOR: &str = "oci://registry.test:8443/team/clip:1.0.0";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

/// A registry with a certificate for `name` that ends in the year.
fn registry(folder: &Path, authority: &Authority, name: &str, year: i32) -> Registry {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    Registry::with_certificate(folder, &certificate.pem(), &key.serialize_pem())
}

/// Starts a proxy that leads every demand for the name to `host`; answers its address.
fn proxy(host: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let host = host.clone();
            // The other side may go whenever it likes.
            thread::spawn(move || lead(stream, &host).ok());
        }
    });
    format!("http://{address}")
}

fn lead(mut stream: TcpStream, host: &str) -> io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let wanted = format!("CONNECT {NAME}:8443 ");
    if !head.first().is_some_and(|line| line.starts_with(&wanted)) {
        return stream.write_all(b"HTTP/1.1 403 No\r\n\r\n");
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let server = TcpStream::connect(host)?;
    let (mut from, mut to) = (stream.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    io::copy(&mut &server, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

fn run(scratch: &Scratch, proxy: &str, authorities: Option<&str>, arguments: &[&str]) -> Finished {
    let mut command = command(scratch, "cache", arguments);
    command
        .env("ALL_PROXY", proxy)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    match authorities {
        Some(file) => command.env("SSL_CERT_FILE", scratch.path(file)),
        None => command.env_remove("SSL_CERT_FILE"),
    };
    scratch.finish(command.spawn().expect("the binary starts"))
}

#[test]
fn a_registry_with_a_certificate_of_the_users_own_authority() {
    let (scratch, authority) = (scratch(), authority());
    scratch.write("authority.pem", authority.pem());
    let registry = registry(&scratch.path(""), &authority, NAME, 2100);
    let proxy = proxy(registry.host.clone());
    for arguments in [
        &["publish", "clip.wasm", LOCATOR][..],
        &["inspect", LOCATOR],
        &["pull", LOCATOR, "-o", "pulled.wasm"],
    ] {
        let finished = run(&scratch, &proxy, Some("authority.pem"), arguments);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    }
    let pulled = fs::read(scratch.path("pulled.wasm")).expect("pulled");
    assert_eq!(pulled, clip());
}

#[test]
fn certificates_that_are_not_accepted() {
    let (own, foreign) = (authority(), authority());
    for (name, year, authorities, words) in [
        (NAME, 2100, None, "no authority that Mozilla trusts"),
        (NAME, 2100, Some("foreign.pem"), "no authority in "),
        (NAME, 2100, Some("junk.pem"), "its certificate 1 cannot"),
        (NAME, 2100, Some("cut.pem"), "`SSL_CERT_FILE` names"),
        ("other.test", 2100, Some("own.pem"), "valid for"),
        (NAME, 2001, Some("own.pem"), "expired"),
        (NAME, 2100, Some("none.pem"), "`SSL_CERT_FILE` names"),
        (NAME, 2100, Some("clip.wasm"), "it holds no certificate"),
        (NAME, 2100, Some("half.pem"), "it is no whole PEM file"),
    ] {
        let scratch = scratch();
        scratch.write("own.pem", own.pem());
        scratch.write("foreign.pem", foreign.pem());
        scratch.write("half.pem", &own.pem()[..100]);
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        scratch.write("junk.pem", junk);
        let cut = own.pem().replace("-----END CERTIFICATE-----", "");
        scratch.write("cut.pem", cut + &own.pem());
        let registry = registry(&scratch.path(""), &own, name, year);
        let proxy = proxy(registry.host.clone());
        let finished = run(&scratch, &proxy, authorities, &["inspect", LOCATOR]);
        let shown = format!("{name} {year} {authorities:?}: {}", finished.stderr);
        assert_eq!(finished.code, Some(2), "{shown}");
        assert!(finished.stderr.contains(words), "`{words}`: {shown}");
    }
}

/// A proxy that nobody is behind, and one that is left out for some hosts.
#[test]
fn a_proxy_that_does_not_answer_is_named() {
    let scratch = scratch();
    let proxy = "http://user:secret@127.0.0.1:1";
    for (excluded, is_asked) in [
        ("", true),
        ("other.test", true),
        (NAME, false),
        (".test", false),
        ("*", false),
    ] {
        let mut command = command(&scratch, "cache", &["inspect", LOCATOR]);
        command.env("ALL_PROXY", proxy).env("NO_PROXY", excluded);
        let finished = scratch.finish(command.spawn().expect("the binary starts"));
        let named = "through the proxy 127.0.0.1:1, which the environment names";
        let is_named = finished.stderr.contains(named);
        assert_eq!(finished.code, Some(2), "{excluded}: {}", finished.stderr);
        assert_eq!(is_named, is_asked, "{excluded}: {}", finished.stderr);
        assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
    }
}

/// Downloads without TLS do not need the file.
#[test]
fn authorities_that_cannot_be_read_stop_no_plain_download() {
    let scratch = scratch();
    let host = hostile::serve(|_, stream| hostile::reply(stream, "200 OK", &clip()));
    let locator = format!("http://{host}/clip.wasm");
    let mut command = command(&scratch, "cache", &["pull", &locator, "-o", "pulled.wasm"]);
    command.env("SSL_CERT_FILE", "none.pem");
    let finished = scratch.finish(command.spawn().expect("the binary starts"));
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}
