//! Answers of hostile servers, and the words that each is refused with.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use phasebox_contract::digest::Digest;
use serde_json::{Value, json};

use super::clip;
use super::hostile::{Request, reply, write};

pub(super) struct Row {
    pub(super) what: &'static str,
    /// The argument of the command; `HOST` is the server.
    pub(super) locator: &'static str,
    pub(super) answer: fn(&Request, &mut TcpStream),
    pub(super) words: &'static str,
    pub(super) is_taken: bool,
}

const fn row(what: &'static str, words: &'static str, answer: fn(&Request, &mut TcpStream)) -> Row {
    Row {
        what,
        locator: "http://HOST/x.wasm",
        answer,
        words,
        is_taken: false,
    }
}

fn leads_to(stream: &mut TcpStream, location: &str) {
    reply(stream, &format!("302 Found\r\nLocation: {location}"), b"");
}

/// Servers of files.
pub(super) const FILES: &[Row] = &[
    row(
        "an answer that ends where the connection does",
        "does not say where it ends",
        |_, stream| {
            write(stream, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            write(stream, &clip());
        },
    ),
    row(
        "a circle of redirects",
        "it redirects more than 5 times",
        |request, stream| {
            leads_to(stream, &format!("http://{}/x.wasm", request.host));
        },
    ),
    row("a redirect to a file", "is no address", |_, stream| {
        leads_to(stream, "file:///etc/passwd");
    }),
    row(
        "a redirect to plain http",
        "is not encrypted",
        |_, stream| {
            leads_to(stream, "http://example.com/x.wasm");
        },
    ),
    row(
        "a redirect away from the machine",
        "nor away from it",
        |_, stream| {
            leads_to(stream, "https://example.com/x.wasm");
        },
    ),
    row("a redirect upwards", "leads upwards", |_, stream| {
        leads_to(stream, "../x.wasm")
    }),
    row(
        "a redirect to nowhere",
        "there is no file (status 302)",
        |_, stream| {
            reply(stream, "302 Found", b"");
            write(stream, b"");
        },
    ),
    row(
        "a redirect that colors the terminal",
        "redirects to",
        |_, stream| {
            leads_to(stream, "http://\u{9b}31m");
        },
    ),
    row(
        "less than was promised",
        "check the address and the network",
        |_, stream| {
            write(
                stream,
                b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
            );
        },
    ),
    row(
        "a promise of a tebibyte",
        "it gives 1099511627776 bytes, and 67108864",
        |_, stream| {
            write(
                stream,
                b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n",
            );
        },
    ),
    row(
        "a body without end",
        "it gives more, and 67108864",
        |_, stream| {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            write(stream, head);
            let block = [b"100000\r\n", vec![0; 1 << 20].as_slice(), b"\r\n"].concat();
            while write(stream, &block) {}
        },
    ),
    row("headers without end", "headers", |_, stream| {
        write(stream, b"HTTP/1.1 200 OK\r\nA: ");
        while write(stream, &[b'a'; 4096]) {}
    }),
    row(
        "no HTTP",
        "it does not speak HTTP as it should",
        |_, stream| {
            write(stream, b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
        },
    ),
    row("nothing", "check the address and the network", |_, _| {}),
    row("an error", "there is no file (status 500)", |_, stream| {
        reply(stream, "500 No", b"<html>");
    }),
    row("a page", "does not begin like WebAssembly", |_, stream| {
        reply(stream, "200 OK", b"<html>");
    }),
    row("an empty file", "the file is empty", |_, stream| {
        reply(stream, "200 OK", b"")
    }),
    Row {
        is_taken: true,
        ..row("a cookie", "x.wasm: ", |request, stream| {
            let has_cookie = request
                .headers
                .iter()
                .any(|header| header.starts_with("cookie:"));
            match (request.is_for("/again"), has_cookie) {
                (_, true) => reply(stream, "500 No", b""),
                (true, false) => reply(stream, "200 OK", &clip()),
                (false, false) => leads_to(stream, "/again\r\nSet-Cookie: a=b; Path=/"),
            }
        })
    },
];

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = r#"{"architecture": "wasm", "os": "wasip2", "component": {"exports": ["a"]}}"#;

/// A good manifest.
fn manifest() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.wasm.config.v0+json",
            "digest": format!("sha256:{}", Digest::of(CONFIG.as_bytes())),
            "size": CONFIG.len(),
        },
        "layers": [{
            "mediaType": "application/wasm",
            "digest": format!("sha256:{}", Digest::of(&clip())),
            "size": clip().len(),
        }],
    })
}

/// Answers with a manifest that was changed, and a good config.
fn changed(request: &Request, stream: &mut TcpStream, change: fn(&mut Value)) {
    let mut manifest = manifest();
    change(&mut manifest);
    match request.is_for("/blobs/") {
        true => reply(stream, "200 OK", CONFIG.as_bytes()),
        false => reply(stream, "200 OK", manifest.to_string().as_bytes()),
    }
}

const fn tag(what: &'static str, words: &'static str, answer: fn(&Request, &mut TcpStream)) -> Row {
    Row {
        locator: "oci://HOST/x:1",
        ..row(what, words, answer)
    }
}

/// Registries.
pub(super) const TAGS: &[Row] = &[
    Row {
        is_taken: true,
        ..tag("nothing wrong", "component   sha256:", |request, stream| {
            changed(request, stream, |_| {});
        })
    },
    Row {
        is_taken: true,
        ..tag(
            "a text that colors the terminal",
            "\\u{1b}[31mred",
            |request, stream| {
                changed(request, stream, |manifest| {
                    manifest["annotations"] = json!({ "a\nb": "\u{1b}[31mred\nerror: forged" });
                });
            },
        )
    },
    tag(
        "a tag that is not there",
        "there is no `oci://127.0.0.1",
        |_, stream| {
            reply(
                stream,
                "404 No",
                br#"{"errors": [{"code": "MANIFEST_UNKNOWN"}]}"#,
            );
        },
    ),
    tag(
        "a large manifest",
        "it gives 2097152 bytes, and 1048576",
        |_, stream| {
            write(
                stream,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n",
            );
        },
    ),
    tag("lists in lists", "it is no JSON", |_, stream| {
        reply(stream, "200 OK", "[".repeat(1 << 20).as_bytes());
    }),
    tag(
        "half a million numbers",
        "it has another version than 2",
        |_, stream| {
            reply(
                stream,
                "200 OK",
                format!("[{}1]", "1,".repeat(500_000)).as_bytes(),
            );
        },
    ),
    tag(
        "an index",
        "it is an index of several images",
        |request, stream| {
            changed(request, stream, |manifest| {
                *manifest = json!({ "schemaVersion": 2, "manifests": [] });
            });
        },
    ),
    tag(
        "a manifest of docker's",
        "its type is `application/vnd.docker",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["mediaType"] =
                    json!("application/vnd.docker.distribution.manifest.v2+json");
            });
        },
    ),
    tag(
        "an image",
        "image.config.v1+json` where a component has",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
            });
        },
    ),
    tag("two layers", "it has 2 layers", |request, stream| {
        changed(request, stream, |manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"] = json!([layer, layer]);
        });
    }),
    tag("no layer", "it has 0 layers", |request, stream| {
        changed(request, stream, |manifest| manifest["layers"] = json!([]));
    }),
    tag(
        "a packed layer",
        "where a component has `application/wasm`",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["layers"][0]["mediaType"] = json!("application/wasm+gzip");
            });
        },
    ),
    tag(
        "a layer of a tebibyte",
        "1099511627776 bytes of `application/wasm`",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["layers"][0]["size"] = json!(1_u64 << 40);
            });
        },
    ),
    tag(
        "a negative size",
        "it is no manifest of a component",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["layers"][0]["size"] = json!(-1)
            });
        },
    ),
    tag(
        "another kind of digest",
        "another digest than sha256",
        |request, stream| {
            changed(request, stream, |manifest| {
                manifest["layers"][0]["digest"] = json!(format!("sha512:{}", "0".repeat(128)));
            });
        },
    ),
    tag(
        "a thousand annotations",
        "it has 1000 annotations",
        |request, stream| {
            changed(request, stream, |manifest| {
                let all = (0..1000).map(|index| (index.to_string(), json!("a")));
                manifest["annotations"] = Value::Object(all.collect());
            });
        },
    ),
    tag(
        "another digest than is told",
        "the registry says sha256:",
        |_, stream| {
            let head = format!(
                "200 OK\r\nDocker-Content-Digest: sha256:{}",
                Digest::of(b"other")
            );
            reply(stream, &head, manifest().to_string().as_bytes());
        },
    ),
    Row {
        locator: "oci://HOST/x@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ..tag(
            "another digest than was asked for",
            "the name says sha256:ba78",
            |request, stream| {
                changed(request, stream, |_| {});
            },
        )
    },
    tag(
        "another config",
        "somebody on the way has changed them",
        |request, stream| match request.is_for("/blobs/") {
            true => reply(stream, "200 OK", CONFIG.to_uppercase().as_bytes()),
            false => changed(request, stream, |_| {}),
        },
    ),
    tag(
        "a config for another machine",
        "for the machine `amd64`",
        |request, stream| {
            let config = CONFIG.replace("wasm\"", "amd64\"");
            let mut manifest = manifest();
            manifest["config"]["digest"] =
                json!(format!("sha256:{}", Digest::of(config.as_bytes())));
            manifest["config"]["size"] = json!(config.len());
            match request.is_for("/blobs/") {
                true => reply(stream, "200 OK", config.as_bytes()),
                false => reply(stream, "200 OK", manifest.to_string().as_bytes()),
            }
        },
    ),
    tag(
        "a manifest in drops",
        "it takes more than 20 s",
        |_, stream| {
            write(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
            while write(stream, b" ") {
                sleep(Duration::from_millis(200));
            }
        },
    ),
    tag(
        "a token from elsewhere",
        "on the other side of this machine",
        |_, stream| {
            let demand = "Bearer realm=\"https://example.com/token\",service=\"a\"";
            reply(
                stream,
                &format!("401 No\r\nWWW-Authenticate: {demand}"),
                b"",
            );
        },
    ),
    tag("a token from a file", "is no address", |_, stream| {
        let demand = "Bearer realm=\"file:///etc/passwd\"";
        reply(
            stream,
            &format!("401 No\r\nWWW-Authenticate: {demand}"),
            b"",
        );
    }),
    tag(
        "a demand for a log-in without end",
        "which refuses it (status 401)",
        |request, stream| {
            let demand = format!("Bearer realm=\"http://{}/token\"", request.host);
            reply(
                stream,
                &format!("401 No\r\nWWW-Authenticate: {demand}"),
                b"",
            );
        },
    ),
    tag(
        "a token that is no text of a header",
        "which gives none",
        |request, stream| {
            let demand = format!("Bearer realm=\"http://{}/token\"", request.host);
            match request.is_for("/token?") {
                true => reply(stream, "200 OK", br#"{"token": "a\r\nb: c"}"#),
                false => reply(
                    stream,
                    &format!("401 No\r\nWWW-Authenticate: {demand}"),
                    b"",
                ),
            }
        },
    ),
    tag(
        "a token that opens nothing",
        "status 401: log in with",
        |request, stream| {
            let demand = format!("Bearer realm=\"http://{}/token\"", request.host);
            match request.is_for("/token?") {
                true => reply(stream, "200 OK", br#"{"access_token": "abc"}"#),
                false => reply(
                    stream,
                    &format!("401 No\r\nWWW-Authenticate: {demand}"),
                    b"",
                ),
            }
        },
    ),
    tag(
        "a demand for what nobody knows",
        "wants a log-in as `Negotiate`",
        |_, stream| {
            reply(stream, "401 No\r\nWWW-Authenticate: Negotiate", b"");
        },
    ),
];
