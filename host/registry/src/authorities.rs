//! The authorities whose certificates are trusted: those in a file of the user's, or Mozilla's, which the program holds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;
use rustls_pki_types::CertificateDer;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// A system's whole list has about 220 KB.
const MOST_BYTES: u64 = 4 << 20;

/// Where authorities are read from, for each connection anew.
#[derive(Clone)]
pub(crate) struct Authorities {
    file: Option<PathBuf>,
}

impl Authorities {
    /// Those in a file, or Mozilla's without one.
    pub(crate) fn of(file: Option<PathBuf>) -> Authorities {
        Authorities { file }
    }

    /// The certificates, one of which a server's must be signed by.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no certificate.
    pub(crate) fn roots(&self) -> Result<RootCerts> {
        let Some(file) = &self.file else {
            return Ok(RootCerts::WebPki);
        };
        let certificates = certificates(file).with_context(|| {
            let file = file.display();
            format!("`SSL_CERT_FILE` names {file}: correct or unset that variable")
        })?;
        Ok(RootCerts::new_with_certs(&certificates))
    }

    /// The words for a server's certificate that is not accepted, from the client's words for the fault.
    pub(crate) fn refusal(&self, fault: &str) -> String {
        match (fault, &self.file) {
            ("UnknownIssuer" | "BadSignature", Some(file)) => format!(
                "its certificate is signed by no authority in {}, which `SSL_CERT_FILE` names: add its authority there, or \
                 unset the variable to trust those of Mozilla",
                file.display()
            ),
            ("UnknownIssuer" | "BadSignature", None) => {
                "its certificate is signed by no authority that Mozilla trusts: name a file with its own in `SSL_CERT_FILE`"
                    .to_owned()
            }
            (fault, _) if fault.contains("CaUsedAsEndEntity") => {
                "its certificate is an authority's: make one for the server, without `CA:TRUE`".to_owned()
            }
            _ => format!(
                "its certificate is not accepted ({}): write the name that the certificate is for, or have it renewed",
                excerpt(fault)
            ),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let bytes = regular_file::read(file, MOST_BYTES)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        // The client's error shows bytes as numbers.
        let item = item.map_err(|_| anyhow!("it is no whole PEM file"))?;
        if let PemItem::Certificate(certificate) = item {
            // The client would leave out what it cannot read, without a word.
            let number = certificates.len() + 1;
            let bytes = CertificateDer::from(certificate.der());
            let read = webpki::anchor_from_trusted_cert(&bytes).map(drop);
            read.map_err(|_| anyhow!("its certificate {number} cannot be read"))?;
            certificates.push(certificate);
        }
    }
    ensure!(!certificates.is_empty(), "it holds no certificate in PEM");
    Ok(certificates)
}
