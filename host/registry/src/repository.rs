//! The questions that a registry answers about one component: its manifest, its blobs, and the same the other way. Owns the
//! protocol; what a manifest means is `manifest`'s. Every byte that is taken has the digest that was asked for.

use std::cell::RefCell;

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;
use phasebox_files::json;
use ureq::http::Method;

use crate::MOST_DOCUMENT_BYTES;
use crate::address::Address;
use crate::http::{Answer, Ask, Client};
use crate::locator::Reference;
use crate::login::{self, Credentials, Right, encoded};
use crate::manifest::{Blob, MANIFEST_TYPE};

/// Everything that a tag may hold: components, images, and lists of them, of OCI and of docker.
const ANY_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.artifact.manifest.v1+json, */*";

/// One component in a registry.
pub(crate) struct Repository<'a> {
    client: &'a Client,
    credentials: &'a Credentials,
    reference: &'a Reference,
    base: Address,
    right: Right,
    /// The header `authorization`, once the registry has wanted it.
    authorization: RefCell<Option<String>>,
}

impl<'a> Repository<'a> {
    pub(crate) fn new(
        (client, credentials): (&'a Client, &'a Credentials),
        reference: &'a Reference,
        right: Right,
    ) -> Result<Repository<'a>> {
        Ok(Repository {
            client,
            credentials,
            reference,
            base: reference.base()?,
            right,
            authorization: RefCell::default(),
        })
    }

    /// The bytes of the manifest under the tag or the digest of the reference; none if there is none.
    ///
    /// # Errors
    /// No answer, a refusal, or bytes of another digest.
    pub(crate) fn manifest(&self) -> Result<Option<Vec<u8>>> {
        let reference = self.reference;
        let place = format!("/manifests/{}", reference.asked());
        let mut ask = Ask::get(self.address(&place)?, MOST_DOCUMENT_BYTES);
        // A registry keeps silent about what is not accepted, and a tag that holds it would look free.
        ask.headers.push(("accept", ANY_MANIFEST.to_owned()));
        let answer = self.ask(ask)?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => bail!("{reference}: {}", refusal(&answer)),
        }
        let found = Digest::of(&answer.body);
        let told = answer.header("docker-content-digest");
        let told = told.and_then(|digest| digest.strip_prefix("sha256:")?.parse().ok());
        for (expected, whose) in [(reference.manifest, "the name"), (told, "the registry")] {
            ensure!(
                expected.is_none_or(|expected| expected == found),
                "{reference}: the manifest is sha256:{found}, and {whose} says sha256:{}: somebody on the way has changed \
                 it, or the registry is broken; take nothing from there",
                expected
                    .map(|digest| digest.to_string())
                    .unwrap_or_default()
            );
        }
        Ok(Some(answer.body))
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// No answer, a refusal, or other bytes than the manifest names.
    pub(crate) fn blob(&self, blob: Blob) -> Result<Vec<u8>> {
        let reference = self.reference;
        let place = format!("/blobs/sha256:{}", blob.digest);
        let answer = self.ask(Ask::get(self.address(&place)?, blob.bytes))?;
        ensure!(
            answer.status == 200,
            "{reference}: the blob sha256:{}: {}",
            blob.digest,
            refusal(&answer)
        );
        let found = Digest::of(&answer.body);
        ensure!(
            found == blob.digest && answer.body.len() as u64 == blob.bytes,
            "{reference}: the manifest names {} bytes of sha256:{}, and {} bytes of sha256:{found} came: somebody on the \
             way has changed them, or the registry is broken; take nothing from there",
            blob.bytes,
            blob.digest,
            answer.body.len()
        );
        Ok(answer.body)
    }

    /// Uploads a blob that the registry does not have yet.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(crate) fn put_blob(&self, bytes: &[u8]) -> Result<()> {
        let digest = Digest::of(bytes);
        let place = format!("/blobs/sha256:{digest}");
        let head = Ask {
            method: Method::HEAD,
            ..Ask::get(self.address(&place)?, MOST_DOCUMENT_BYTES)
        };
        if self.ask(head)?.status == 200 {
            return Ok(());
        }
        let place = self.address("/blobs/uploads/")?;
        let begin = self.upload(Method::POST, place.clone(), Vec::new());
        let begun = self.accepted(begin, &[202])?;
        let location = begun.header("location");
        let location = location.with_context(|| {
            format!(
                "{}: the registry names no address for an upload: it is broken",
                self.reference
            )
        })?;
        let address = place.redirected(location)?;
        ensure!(
            address.has_origin_of(&self.base),
            "{}: the registry wants the upload at {address}, which is another server: publish there instead",
            self.reference
        );
        let sign = if address.uri().query().is_some() {
            '&'
        } else {
            '?'
        };
        let digest = encoded(&format!("sha256:{digest}"));
        let address = format!("{}{sign}digest={digest}", address.uri()).parse()?;
        let mut put = self.upload(Method::PUT, address, bytes.to_vec());
        put.headers
            .push(("content-type", "application/octet-stream".to_owned()));
        self.accepted(put, &[201]).map(drop)
    }

    /// Uploads a manifest under the tag of the reference.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub(crate) fn put_manifest(&self, bytes: &[u8]) -> Result<()> {
        let place = format!("/manifests/{}", self.reference.asked());
        let mut put = self.upload(Method::PUT, self.address(&place)?, bytes.to_vec());
        put.headers.push(("content-type", MANIFEST_TYPE.to_owned()));
        let answer = self.accepted(put, &[201])?;
        let (own, told) = (Digest::of(bytes), answer.header("docker-content-digest"));
        ensure!(
            told.is_none_or(|told| told == format!("sha256:{own}")),
            "{}: the manifest sha256:{own} was sent, and the registry says that it has `{}`: it is broken",
            self.reference,
            excerpt(told.unwrap_or_default())
        );
        Ok(())
    }

    fn upload(&self, method: Method, address: Address, body: Vec<u8>) -> Ask {
        Ask {
            method,
            body: Some(body),
            ..Ask::get(address, MOST_DOCUMENT_BYTES)
        }
    }

    fn accepted(&self, ask: Ask, expected: &[u16]) -> Result<Answer> {
        let answer = self.ask(ask)?;
        ensure!(
            expected.contains(&answer.status),
            "{}: {}",
            self.reference,
            refusal(&answer)
        );
        Ok(answer)
    }

    fn address(&self, place: &str) -> Result<Address> {
        format!("{}{place}", self.base.uri()).parse()
    }

    /// Asks, and logs in if the registry wants it.
    fn ask(&self, mut ask: Ask) -> Result<Answer> {
        let known = self.authorization.borrow().clone();
        let is_known = known.is_some();
        let again = Ask {
            method: ask.method.clone(),
            address: ask.address.clone(),
            headers: ask.headers.clone(),
            body: ask.body.clone(),
            most_bytes: ask.most_bytes,
        };
        ask.headers
            .extend(known.map(|known| ("authorization", known)));
        let answer = self.client.ask(ask)?;
        let demand = answer.all("www-authenticate");
        let demand = demand.collect::<Vec<_>>().join(", ");
        if answer.status != 401 || is_known || demand.is_empty() {
            return Ok(answer);
        }
        let own = (self.client, self.credentials);
        let authorization = login::log_in(own.0, own.1, self.reference, (&demand, self.right))?;
        *self.authorization.borrow_mut() = Some(authorization.clone());
        let mut again = again;
        again.headers.push(("authorization", authorization));
        self.client.ask(again)
    }
}

/// The words for an answer that is none: its status, and the first error that a registry tells.
fn refusal(answer: &Answer) -> String {
    let told = json::parse(&answer.body).ok();
    let told = told.and_then(|told| {
        let error = &told["errors"][0];
        let text = error["message"].as_str().or(error["code"].as_str())?;
        Some(format!(" (`{}`)", excerpt(text)))
    });
    let told = told.unwrap_or_default();
    let (what, remedy) = match answer.status {
        401 | 403 => (
            "the registry refuses it",
            "log in with `docker login`, and check your rights",
        ),
        404 => ("there is none", "check the name and the tag"),
        429 => ("the registry is asked too often", "wait, then try again"),
        _ => (
            "the registry refuses it",
            "try again, or ask whoever runs it",
        ),
    };
    format!("{what}{told}, status {}: {remedy}", answer.status)
}
