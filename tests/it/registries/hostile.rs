//! A server that answers as a row says, however wrong: every connection is handed to the row's function.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A request, as far as rows look at it.
pub(super) struct Request {
    /// Method and path with its query.
    pub(super) line: String,
    /// The headers, in lower case.
    pub(super) headers: Vec<String>,
    pub(super) host: String,
}

impl Request {
    pub(super) fn is_for(&self, part: &str) -> bool {
        self.line.contains(part)
    }

    /// True if the header `authorization` came along.
    pub(super) fn is_authorized(&self) -> bool {
        let mut headers = self.headers.iter();
        headers.any(|header| header.starts_with("authorization:"))
    }
}

/// Writes whatever it likes into the connection.
pub(super) type Answer = dyn Fn(&Request, &mut TcpStream) + Send + Sync;

/// Starts a server that lives as long as the tests; answers its host and port.
pub(super) fn serve(answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = listener.local_addr().expect("an address").to_string();
    let (own, answer): (String, Arc<Answer>) = (host.clone(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (own, answer) = (own.clone(), answer.clone());
            thread::spawn(move || converse(stream, own, &*answer));
        }
    });
    host
}

fn converse(mut stream: TcpStream, host: String, answer: &Answer) {
    let Ok(reading) = stream.try_clone() else {
        return;
    };
    let lines = BufReader::new(reading).lines().map_while(Result::ok);
    let mut lines = lines.take_while(|line| !line.is_empty());
    let Some(line) = lines.next() else { return };
    let headers = lines.map(|line| line.to_lowercase()).collect();
    let request = Request {
        line,
        headers,
        host,
    };
    answer(&request, &mut stream);
}

/// Writes a whole answer. Nobody may be reading any longer.
pub(super) fn reply(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    write(stream, head.as_bytes());
    write(stream, body);
}

/// Writes bytes; false once nobody reads them.
pub(super) fn write(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}
