//! Arbitrary answers of servers that callbacks are fetched from: registries, servers of files, and those that give tokens.
//! They come over a real connection on this machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use phasebox_contract::digest::Digest;
use phasebox_registry::{Downloads, Fetched, Locator, User};

use crate::cost::{Memory, within};
use crate::files::{files, write};

/// A client, its buffers and a document of the largest size.
const MEMORY: Memory = Memory {
    free: 24 << 20,
    each: 400,
};
/// The file that an input begins with: the locator.
const LOCATOR: &str = "locator";
/// The file with credentials.
const CREDENTIALS: &str = "config.json";
/// The longest that one side waits for the other.
const WAIT: Duration = Duration::from_millis(500);

/// Fetches what a locator means from a server that gives these answers in turn, whatever it is asked. In them `HOST` stands
/// for the server, `DIGEST-2` and `SIZE-2` for the digest and the size of the second answer's body. Returns true if there
/// was a component, or a claim about one.
///
/// # Panics
/// If fetching does, costs more than answers of that size may, or gives bytes of another digest than it says.
pub fn run(bytes: &[u8]) -> bool {
    let mut inputs = files(bytes, LOCATOR).into_iter();
    let (_, locator) = inputs.next().expect("the first file is always there");
    let folder = tempfile::tempdir().expect("a folder for downloads");
    let (credentials, answers): (Vec<_>, Vec<_>) =
        inputs.partition(|(name, _)| *name == CREDENTIALS);
    let server = Server::start(answers.into_iter().map(|(_, answer)| answer).collect());
    for (_, text) in credentials {
        write(
            folder.path(),
            CREDENTIALS,
            &replaced(&text, "HOST", &server.host),
        );
    }
    let locator = replaced(&locator, "HOST", &server.host);
    let locator = String::from_utf8_lossy(&locator).trim().parse();
    // Other servers are not to be troubled.
    let is_ours = |locator: &Locator| locator.place().starts_with(&server.host);
    let Some(locator) = locator.ok().filter(is_ours) else {
        return false;
    };
    within(MEMORY, bytes.len(), || fetched(&locator, folder.path()))
}

fn fetched(locator: &Locator, folder: &Path) -> bool {
    let user = User {
        cache: folder.join("cache"),
        docker: Some(folder.to_owned()),
        authorities: None,
    };
    let downloads = Downloads::new(user, Arc::default());
    if let Locator::Oci(reference) = locator
        && downloads.claims(reference).is_ok()
    {
        return true;
    }
    let Ok(Fetched { path, sha256 }) = downloads.newest(locator) else {
        return false;
    };
    let bytes = fs::read(path).expect("a file that was fetched is there");
    assert_eq!(Digest::of(&bytes), sha256);
    true
}

/// A server on this machine, which ends with the value.
struct Server {
    host: String,
    is_over: Arc<AtomicBool>,
}

impl Server {
    fn start(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let is_over = Arc::new(AtomicBool::new(false));
        let answers = made(answers, &host);
        let stop = is_over.clone();
        thread::spawn(move || {
            let mut answers = answers.iter().cycle();
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                answer(stream, answers.next().map_or(b"", Vec::as_slice));
            }
        });
        Server { host, is_over }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Nobody listening is as good.
        let _ = TcpStream::connect(&self.host);
    }
}

/// Reads a question to the end of its headers, and answers. The client may be gone at any time.
fn answer(mut stream: TcpStream, answer: &[u8]) {
    let _ = stream.set_read_timeout(Some(WAIT));
    let _ = stream.set_write_timeout(Some(WAIT));
    if let Ok(reading) = stream.try_clone() {
        let lines = BufReader::new(reading).lines().map_while(Result::ok);
        lines.take_while(|line| !line.is_empty()).for_each(drop);
    }
    let _ = stream.write_all(answer);
}

/// The answers with hosts, digests and sizes in their places.
fn made(mut answers: Vec<Vec<u8>>, host: &str) -> Vec<Vec<u8>> {
    // An answer names those after it.
    for index in (0..answers.len()).rev() {
        let body = body(&answers[index]);
        let (digest, size) = (Digest::of(body).to_string(), body.len().to_string());
        for answer in &mut answers[..=index] {
            *answer = replaced(answer, &format!("DIGEST-{}", index + 1), &digest);
            *answer = replaced(answer, &format!("SIZE-{}", index + 1), &size);
        }
    }
    let answers = answers.iter();
    answers
        .map(|answer| replaced(answer, "HOST", host))
        .collect()
}

fn body(answer: &[u8]) -> &[u8] {
    const END: &[u8] = b"\r\n\r\n";
    let begin = answer.windows(END.len()).position(|bytes| bytes == END);
    begin.map_or(b"", |begin| &answer[begin + END.len()..])
}

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest
        .windows(from.len())
        .position(|bytes| bytes == from.as_bytes())
    {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
