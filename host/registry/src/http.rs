//! One question over HTTP, and its answer. Owns the bounds: bytes, time, redirects, and the signal that ends a download.
//! The only file that knows the client. Cookies and compressed answers are not taken.
//!
//! The client works on a thread of its own, so that a signal ends the wait at any moment: looking up a name and opening a
//! connection cannot be interrupted. A thread that nobody waits for ends with its time-out.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use phasebox_contract::printable::excerpt;
use ureq::http::{Method, Request, Response, header, response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

use crate::address::Address;
use crate::authorities::Authorities;

/// Between two looks for a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// For looking up a name, and for opening a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For a small answer, redirects included.
const DOCUMENT: Duration = Duration::from_secs(20);
/// The slowest network on which a large answer is waited for.
const SLOWEST_BYTES_A_SECOND: u64 = 64 << 10;
const MOST_REDIRECTS: usize = 5;
const MOST_HEADER_BYTES: usize = 32 << 10;

/// A question.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) address: Address,
    /// Names and values; `authorization` goes to the address's own server alone.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// The most bytes of the answer.
    pub(crate) most_bytes: u64,
}

impl Ask {
    pub(crate) fn get(address: Address, most_bytes: u64) -> Ask {
        Ask {
            method: Method::GET,
            address,
            headers: Vec::new(),
            body: None,
            most_bytes,
        }
    }

    /// The time that it may take, by the bytes that are sent and received.
    fn time(&self) -> Duration {
        let sent = self.body.as_ref().map_or(0, Vec::len) as u64;
        let bytes = sent.saturating_add(self.most_bytes);
        match bytes <= crate::MOST_DOCUMENT_BYTES {
            true => DOCUMENT,
            false => DOCUMENT + Duration::from_secs(bytes / SLOWEST_BYTES_A_SECOND),
        }
    }
}

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Headers that somebody here reads, by their names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of a header that may be there several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter();
        let found = headers.filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Asks, until a signal arrives.
pub(crate) struct Client {
    authorities: Authorities,
    stop: Arc<AtomicBool>,
}

impl Client {
    pub(crate) fn new(authorities: Authorities, stop: Arc<AtomicBool>) -> Client {
        Client { authorities, stop }
    }

    /// The answer to a question, after its redirects.
    ///
    /// # Errors
    /// No answer in time, one that is too large, a redirect that is not followed, or a signal, each with the address; or
    /// authorities that cannot be read.
    pub(crate) fn ask(&self, ask: Ask) -> Result<Answer> {
        let (shown, was_sent) = (ask.address.to_string(), ask.body.is_some());
        let agent = agent(&ask.address, self.roots(&ask.address)?);
        let (sender, receiver) = mpsc::channel();
        let (worker, authorities) = (agent.clone(), self.authorities.clone());
        let spawned = thread::Builder::new()
            .name("download".to_owned())
            .spawn(move || {
                // Nobody may be waiting any longer.
                let _ = sender.send(exchange(&worker, &ask, &authorities));
            });
        spawned.context("cannot start a thread for a download")?;
        loop {
            match receiver.recv_timeout(LOOK_EVERY) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    agent.shutdown();
                    bail!("{shown}: {}", ended(was_sent));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{shown}: the download has failed inside of phasebox: report it")
                }
            }
        }
    }

    /// The authorities for a question. One without TLS does not need them: if they cannot be read, it trusts none.
    fn roots(&self, address: &Address) -> Result<RootCerts> {
        match self.authorities.roots() {
            Err(_) if !address.is_https() => Ok(RootCerts::new_with_certs(&[])),
            roots => roots,
        }
    }
}

/// The words for a question that a signal ended.
fn ended(was_sent: bool) -> &'static str {
    match was_sent {
        true => "a signal has ended the wait for an answer; what was sent may have arrived",
        false => "a signal has ended the download",
    }
}

/// A client for one question. Proxies of the environment are used, but not for this machine.
fn agent(address: &Address, roots: RootCerts) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .max_redirects(0)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(DOCUMENT))
        .max_response_header_size(MOST_HEADER_BYTES)
        .user_agent(concat!("phasebox/", env!("CARGO_PKG_VERSION")));
    let config = match address.is_loopback() {
        true => config.proxy(None),
        false => config,
    };
    config.build().new_agent()
}

fn exchange(agent: &Agent, ask: &Ask, authorities: &Authorities) -> Result<Answer> {
    let deadline = Instant::now() + ask.time();
    let mut address = ask.address.clone();
    for _ in 0..=MOST_REDIRECTS {
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = send(agent, ask, &address, left);
        let response = sent.map_err(|error| match certificate_fault(&error) {
            Some(fault) => anyhow!("{address}: {}", authorities.refusal(&fault)),
            None => failed(&address, ask, error, &way(agent, &address)),
        })?;
        match redirect_of(&response) {
            Some(location) if ask.body.is_none() => address = address.redirected(&location)?,
            Some(_) => {
                bail!("{address}: it redirects what is sent: name the address where it ends")
            }
            None => return read(response, ask, (&address, &way(agent, &address))),
        }
    }
    bail!(
        "{}: it redirects more than {MOST_REDIRECTS} times: name the address where it ends",
        ask.address
    )
}

fn send(
    agent: &Agent,
    ask: &Ask,
    address: &Address,
    left: Duration,
) -> Result<Response<Body>, ureq::Error> {
    let mut request = Request::builder().method(&ask.method).uri(address.uri());
    let is_own = address.has_origin_of(&ask.address);
    for (name, value) in &ask.headers {
        if is_own || *name != header::AUTHORIZATION.as_str() {
            request = request.header(*name, value);
        }
    }
    // A question without time left fails at once; no time-out at all would be none.
    let left = left.max(Duration::from_millis(1));
    match &ask.body {
        Some(body) => {
            let request = agent.configure_request(request.body(body.as_slice())?);
            agent.run(request.timeout_global(Some(left)).build())
        }
        None => {
            let request = agent.configure_request(request.body(())?);
            agent.run(request.timeout_global(Some(left)).build())
        }
    }
}

fn redirect_of(response: &Response<Body>) -> Option<String> {
    if ![301, 302, 303, 307, 308].contains(&response.status().as_u16()) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// Reads an answer whole, if it is not too large.
fn read(response: Response<Body>, ask: &Ask, (address, way): (&Address, &str)) -> Result<Answer> {
    // The words of a refusal may be longer than what was asked for.
    let most = match response.status().is_success() {
        true => ask.most_bytes,
        false => ask.most_bytes.max(crate::MOST_DOCUMENT_BYTES),
    };
    let (parts, body) = response.into_parts();
    let promised = body.content_length().filter(|_| ask.method != Method::HEAD);
    ensure!(
        promised.is_none_or(|bytes| bytes <= most),
        too_large(address, promised, most)
    );
    let says_its_end = parts.headers.contains_key(header::CONTENT_LENGTH) || is_chunked(&parts);
    // What is cut from a document makes it no JSON; a refusal is shown as it came.
    let needs_none = !parts.status.is_success() || ask.most_bytes <= crate::MOST_DOCUMENT_BYTES;
    ensure!(
        says_its_end || needs_none,
        "{address}: its answer does not say where it ends, so that nobody would notice if it were cut: have the server send \
         `content-length`"
    );
    let mut bytes = Vec::new();
    let mut reader = body.into_reader().take(most.saturating_add(1));
    let taken = reader.read_to_end(&mut bytes);
    taken.map_err(|error| failed(address, ask, error.into(), way))?;
    ensure!(bytes.len() as u64 <= most, too_large(address, None, most));
    let headers = parts.headers.iter();
    let headers = headers.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: bytes,
    })
}

fn too_large(address: &Address, bytes: Option<u64>, most: u64) -> Error {
    let size = bytes.map_or("more".to_owned(), |bytes| format!("{bytes} bytes"));
    anyhow!(
        "{address}: it gives {size}, and {most} bytes are the most that is taken: check the address"
    )
}

/// The proxy that an address is asked through, in words; empty if it is asked itself. A proxy's name and password are not told.
fn way(agent: &Agent, address: &Address) -> String {
    let proxy = agent.config().proxy();
    let uri = address.uri().try_into();
    let proxy = proxy.filter(|proxy| uri.is_ok_and(|uri| !proxy.is_no_proxy(&uri)));
    proxy.map_or_else(String::new, |proxy| {
        let (host, port) = (excerpt(proxy.host()), proxy.port());
        format!(" (through the proxy {host}:{port}, which the environment names)")
    })
}

/// Says in words why there is no answer.
fn failed(address: &Address, ask: &Ask, error: ureq::Error, way: &str) -> Error {
    let reason = match &error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            "it cannot be reached in time".to_owned()
        }
        ureq::Error::Timeout(Timeout::RecvResponse) => {
            format!(
                "it does not begin to answer within {} s",
                DOCUMENT.as_secs()
            )
        }
        ureq::Error::Timeout(_) => format!("it takes more than {} s", ask.time().as_secs()),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Protocol(_) => format!("it does not speak HTTP as it should ({error})"),
        ureq::Error::LargeResponseHeader(..) => {
            format!(
                "its answer begins with more than {MOST_HEADER_BYTES} bytes of headers, or with one that goes on elsewhere"
            )
        }
        other => other.to_string(),
    };
    let reason = excerpt(&reason);
    anyhow!("{address}: {reason}{way}: check the address and the network, then try again")
}

/// The client's words for a certificate that it does not accept.
fn certificate_fault(error: &ureq::Error) -> Option<String> {
    let ureq::Error::Io(error) = error else {
        return None;
    };
    let text = error.to_string();
    let fault = text.strip_prefix("invalid peer certificate: ")?;
    Some(fault.to_owned())
}

/// True if the answer is sent in chunks, the last of which says so.
fn is_chunked(parts: &response::Parts) -> bool {
    let coding = parts.headers.get(header::TRANSFER_ENCODING);
    coding.is_some_and(|coding| {
        coding
            .to_str()
            .is_ok_and(|coding| coding.ends_with("chunked"))
    })
}
