//! A registry on this machine: Debian's `docker-registry`, with a folder of its own for each case. Knows no callback.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::repository;

/// The password `secret` of `ann`, as bcrypt.
const PASSWORDS: &str = "ann:$2b$04$ZpEK1yKywBU0IqYNb1WPP./6Ior0oOQdEortYndss8Nao.CN/PEiO\n";
/// Name and password of `ann`, as docker keeps them for a registry.
const AUTH: &str = "YW5uOnNlY3JldA==";

pub(super) struct Registry {
    process: Child,
    pub(super) host: String,
}

impl Registry {
    /// Starts one that keeps its files below `folder`.
    pub(super) fn start(folder: &Path) -> Registry {
        Registry::with(folder, "", "")
    }

    /// Starts one that wants a log-in.
    pub(super) fn with_log_in(folder: &Path) -> Registry {
        let file = folder.join("passwords");
        fs::write(&file, PASSWORDS).expect("ours");
        let auth = format!(
            "auth: {{htpasswd: {{realm: tests, path: {}}}}}\n",
            file.display()
        );
        Registry::with(folder, "", &auth)
    }

    /// Starts one that speaks TLS with a certificate and its key, both in PEM.
    pub(super) fn with_certificate(folder: &Path, certificate: &str, key: &str) -> Registry {
        let files = [("certificate.pem", certificate), ("key.pem", key)].map(|(name, text)| {
            let file = folder.join(name);
            fs::write(&file, text).expect("ours");
            file.display().to_string()
        });
        let [certificate, key] = files;
        let tls = format!(", tls: {{certificate: {certificate}, key: {key}}}");
        Registry::with(folder, &tls, "")
    }

    fn with(folder: &Path, http: &str, more: &str) -> Registry {
        let program = repository("target/tools/docker-registry");
        assert!(
            program.exists(),
            "the tests of registries need {}: run `cargo xtask setup --registry`",
            program.display()
        );
        let host = free_port();
        let files = folder.join("registry");
        let config = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '{host}', secret: tests{http}}}\n{more}",
            files.display()
        );
        fs::write(&config, text).expect("ours");
        let mut command = Command::new(program);
        command.arg("serve").arg(config);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().expect("the registry starts");
        let registry = Registry { process, host };
        registry.wait();
        registry
    }

    fn wait(&self) {
        for _ in 0..600 {
            if TcpStream::connect(&self.host).is_ok() {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("the registry at {} does not begin to listen", self.host);
    }

    /// Puts an index of nothing under a tag, as other programs do.
    pub(super) fn put_index(&self, tag: &str) {
        let kind = "application/vnd.oci.image.index.v1+json";
        let body = format!(r#"{{"schemaVersion":2,"mediaType":"{kind}","manifests":[]}}"#);
        let host = &self.host;
        let head = format!(
            "PUT /v2/team/clip/manifests/{tag} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(host).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// The locator of a tag.
    pub(super) fn locator(&self, tag: &str) -> String {
        format!("oci://{}/team/clip:{tag}", self.host)
    }

    /// The file of credentials for this registry.
    pub(super) fn credentials(&self) -> String {
        format!(r#"{{"auths": {{"{}": {{"auth": "{AUTH}"}}}}}}"#, self.host)
    }

    /// Ends it, as a machine without a network sees it.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port that nobody listens on now.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("an address").to_string()
}
