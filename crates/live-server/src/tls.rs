//! A certificate authority of the server's own, kept in a directory, so that SDKs which insist on TLS can be pointed
//! at it.
//!
//! It is for loopback and private networks: a server with a public name brings a [`rustls::ServerConfig`] made from
//! certificates that the world trusts. Accepting connections is [`Server`](crate::Server)'s part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A certificate authority that lives in a directory as `ca.pem` and `ca.key.pem`.
///
/// Clients trust `ca.pem`. The server's own certificate is signed anew at each start and never stored, so there is
/// nothing else to renew; the authority is made once, and again when it is about to expire or cannot be read.
pub struct LocalCa {
    certificate: CertificateDer<'static>,
    certificate_path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    not_after: OffsetDateTime,
}

/// Why there is no usable certificate authority.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file of the authority cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses the certificate or key.
    #[error("cannot use the certificate: {0}")]
    Config(#[from] rustls::Error),
}

impl LocalCa {
    /// Opens the authority in `directory`, making the directory and the authority when they are not there.
    ///
    /// An authority that is expired at `now`, close to it, or broken is replaced, with a warning in the log: clients
    /// that are running must read `ca.pem` again.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read or written.
    pub fn open(directory: &Path, now: SystemTime) -> Result<Self, TlsError> {
        let now = OffsetDateTime::from(now);
        fs::create_dir_all(directory).map_err(|error| at(directory, error))?;
        // Two servers that start at once must not write a certificate and a key that do not belong together.
        let lock_path = directory.join("ca.lock");
        let lock = File::create(&lock_path).map_err(|error| at(&lock_path, error))?;
        lock.lock().map_err(|error| at(&lock_path, error))?;
        match Self::load(directory, now)? {
            Stored::Usable(ca) => return Ok(*ca),
            Stored::Missing => tracing::info!(directory = %directory.display(), "making a certificate authority"),
            Stored::Unusable(why) => tracing::warn!(
                directory = %directory.display(), why,
                "replacing the certificate authority; clients that trust the old one must read ca.pem again"
            ),
        }
        Self::make(directory, now)
    }

    /// Where the certificate is that clients must trust, for `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`.
    pub fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// The certificate that clients must trust.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Makes a TLS configuration with a fresh certificate for `localhost`, `127.0.0.1`, `::1` and `addresses`.
    ///
    /// # Errors
    /// When no certificate can be made, which would be a fault of the crypto library.
    pub fn server_config(&self, addresses: &[IpAddr], now: SystemTime) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let now = OffsetDateTime::from(now);
        let mut params = CertificateParams::new(["localhost".to_owned()])?;
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let others = addresses.iter().filter(|address| !address.is_unspecified() && !loopback.contains(address));
        params.subject_alt_names.extend(loopback.iter().chain(others).copied().map(SanType::IpAddress));
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - CLOCK_SLACK;
        params.not_after = self.not_after.min(now + LEAF_LIFETIME);
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), self.certificate.clone()], key)?;
        // WebSocket over HTTP/2 is another protocol; a client must not be led to believe that it is offered.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn load(directory: &Path, now: OffsetDateTime) -> Result<Stored, TlsError> {
        let (certificate_path, key_path) = (directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE));
        let (Some(certificate), Some(key)) = (read(&certificate_path)?, read(&key_path)?) else {
            return Ok(Stored::Missing);
        };
        Ok(match Self::parse(&certificate, &key, now) {
            Ok((certificate, issuer, not_after)) => {
                Stored::Usable(Box::new(Self { certificate, certificate_path, issuer, not_after }))
            }
            Err(why) => Stored::Unusable(why),
        })
    }

    fn parse(certificate: &[u8], key: &[u8], now: OffsetDateTime) -> Result<Parsed, &'static str> {
        let certificate = CertificateDer::from_pem_slice(certificate).map_err(|_| "ca.pem holds no certificate")?;
        let key = std::str::from_utf8(key).ok().and_then(|key| KeyPair::from_pem(key).ok());
        let key = key.ok_or("ca.key.pem holds no usable key")?;
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| "ca.pem holds a broken certificate")?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err("ca.pem and ca.key.pem do not belong together");
        }
        if !parsed.is_ca() {
            return Err("ca.pem is not a certificate authority's");
        }
        let (not_before, not_after) = (parsed.validity().not_before, parsed.validity().not_after);
        if now < not_before.to_datetime() {
            return Err("it is not valid yet");
        }
        if now + RENEW_BEFORE_END > not_after.to_datetime() {
            return Err("it has expired or is about to");
        }
        let not_after = not_after.to_datetime();
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| "ca.pem cannot be used to sign")?;
        Ok((certificate, issuer, not_after))
    }

    fn make(directory: &Path, now: OffsetDateTime) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Live local authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - CLOCK_SLACK;
        params.not_after = now + CA_LIFETIME;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let certificate_path = directory.join(CERTIFICATE_FILE);
        write(&directory.join(KEY_FILE), key.serialize_pem().as_bytes(), 0o600)?;
        write(&certificate_path, certificate.pem().as_bytes(), 0o644)?;
        let not_after = params.not_after;
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_path,
            issuer: Issuer::new(params, key),
            not_after,
        })
    }
}

impl std::fmt::Debug for LocalCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalCa")
            .field("certificate_path", &self.certificate_path)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// What a directory holds.
enum Stored {
    Missing,
    Unusable(&'static str),
    Usable(Box<LocalCa>),
}

type Parsed = (CertificateDer<'static>, Issuer<'static, KeyPair>, OffsetDateTime);

fn read(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path, error)),
    }
}

/// Replaces `path` in one step: a reader sees the old file or the new one.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let draft = path.with_extension("new");
    let attempt = || {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = create_new(&draft, mode)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    attempt().map_err(|error| at(path, error))
}

#[cfg(unix)]
fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn at(path: &Path, error: io::Error) -> TlsError {
    TlsError::Io { path: path.to_owned(), error }
}

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key.pem";

/// Long enough that nobody pastes the path twice; the authority is trusted only where it is named.
const CA_LIFETIME: Duration = Duration::days(3650);
/// Apple's stack refuses server certificates of 825 days and more.
const LEAF_LIFETIME: Duration = Duration::days(820);
/// A server that runs on a replaced authority for this long has been restarted many times.
const RENEW_BEFORE_END: Duration = Duration::days(30);
/// Clocks of containers and their hosts differ.
const CLOCK_SLACK: Duration = Duration::hours(1);

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls_pki_types::{ServerName, UnixTime};

    use super::*;

    const DAY: StdDuration = StdDuration::from_secs(86_400);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + 20_000 * DAY
    }

    /// The certificates of a configuration, as a handshake would present them.
    fn presented(config: &Arc<rustls::ServerConfig>, ca: &LocalCa) -> Vec<CertificateDer<'static>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap();
        }
        client.peer_certificates().unwrap().iter().map(|certificate| certificate.clone().into_owned()).collect()
    }

    /// Lets any certificate through: these tests verify it themselves, at a time of their own.
    #[derive(Debug)]
    struct AnyCertificate;

    impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
        }
    }

    fn verify(ca: &LocalCa, leaf: &CertificateDer<'_>, name: &str, at: SystemTime) -> Result<(), rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        verifier.verify_server_cert(leaf, &[], &ServerName::try_from(name).unwrap(), &[], at).map(drop)
    }

    #[test]
    fn the_certificate_verifies_for_loopback_names_and_the_address_served() {
        let directory = tempfile::tempdir().unwrap();
        let ca = LocalCa::open(directory.path(), now()).unwrap();
        let config = ca.server_config(&["192.0.2.7".parse().unwrap()], now()).unwrap();
        let leaf = presented(&config, &ca).remove(0);
        for name in ["localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            verify(&ca, &leaf, name, now()).expect(name);
            verify(&ca, &leaf, name, now() + 819 * DAY).expect(name);
            verify(&ca, &leaf, name, now() + 821 * DAY).expect_err(name);
        }
        verify(&ca, &leaf, "example.com", now()).unwrap_err();
    }

    /// What OpenSSL's strict mode, the default of Python 3.13, asks of a chain.
    #[test]
    fn both_certificates_carry_the_extensions_that_strict_verifiers_ask_for() {
        let directory = tempfile::tempdir().unwrap();
        let ca = LocalCa::open(directory.path(), now()).unwrap();
        let chain = presented(&ca.server_config(&[], now()).unwrap(), &ca);
        assert_eq!(chain[1], *ca.certificate());
        for (der, is_ca) in [(&chain[0], false), (&chain[1], true)] {
            let (_, certificate) = X509Certificate::from_der(der).unwrap();
            let oids: Vec<String> = certificate.extensions().iter().map(|e| e.oid.to_id_string()).collect();
            assert!(oids.contains(&"2.5.29.14".to_owned()), "subject key identifier: {oids:?}");
            assert!(oids.contains(&"2.5.29.35".to_owned()), "authority key identifier: {oids:?}");
            let constraints = certificate.basic_constraints().unwrap().expect("basic constraints");
            assert_eq!((constraints.critical || !is_ca, constraints.value.ca), (true, is_ca));
            let usage = certificate.key_usage().unwrap().expect("key usage").value;
            assert_eq!((usage.key_cert_sign(), usage.digital_signature()), (is_ca, !is_ca));
            assert_eq!(certificate.extended_key_usage().unwrap().is_some_and(|usage| usage.value.server_auth), !is_ca);
        }
    }

    #[test]
    fn the_authority_is_kept_and_only_its_key_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = LocalCa::open(directory.path(), now()).unwrap();
        let second = LocalCa::open(directory.path(), now() + 100 * DAY).unwrap();
        assert_eq!(first.certificate(), second.certificate());
        let leaf = presented(&second.server_config(&[], now()).unwrap(), &second).remove(0);
        verify(&first, &leaf, "localhost", now()).unwrap();
        let certificate = fs::read_to_string(first.certificate_path()).unwrap();
        assert!(certificate.contains("BEGIN CERTIFICATE") && !certificate.contains("PRIVATE"), "{certificate}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |file: &str| fs::metadata(directory.path().join(file)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode("ca.key.pem"), 0o600);
        }
        assert!(!format!("{first:?}").contains("key"), "{first:?}");
    }

    #[test]
    fn an_authority_that_cannot_serve_is_replaced() {
        let open = |directory: &Path, at| LocalCa::open(directory, at).unwrap().certificate().clone();
        type Spoil = fn(&Path);
        let spoil: [(&str, Spoil); 4] = [
            ("truncated certificate", |d| fs::write(d.join(CERTIFICATE_FILE), "-----BEGIN CERT").unwrap()),
            ("garbage key", |d| fs::write(d.join(KEY_FILE), [0xff; 40]).unwrap()),
            ("lost key", |d| fs::remove_file(d.join(KEY_FILE)).unwrap()),
            ("key of another", |d| {
                fs::write(d.join(KEY_FILE), KeyPair::generate().unwrap().serialize_pem()).unwrap();
            }),
        ];
        for (what, spoil) in spoil {
            let directory = tempfile::tempdir().unwrap();
            let old = open(directory.path(), now());
            spoil(directory.path());
            let new = open(directory.path(), now());
            assert_ne!(old, new, "{what}");
            assert_eq!(new, open(directory.path(), now()), "{what}: the new one is kept");
        }
        for (what, at) in [("about to expire", now() + 3640 * DAY), ("clock set back", now() - 2 * DAY)] {
            let directory = tempfile::tempdir().unwrap();
            let old = open(directory.path(), now());
            assert_ne!(old, open(directory.path(), at), "{what}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = LocalCa::open(&file, now()).unwrap_err().to_string();
        assert!(error.starts_with(&file.display().to_string()), "{error}");
    }
}
