//! Certificates of an authority that the tests make for themselves.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, in PEM.
pub struct Certificate {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// For a server on this machine.
    pub fn server(&self) -> Certificate {
        self.issue(SanType::IpAddress([127, 0, 0, 1].into()), |_| {})
    }

    /// For a server, and over since long ago.
    pub fn expired(&self) -> Certificate {
        self.issue(SanType::IpAddress([127, 0, 0, 1].into()), |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// For a workload, named as SPIFFE does.
    pub fn workload(&self, uri: &str) -> Certificate {
        self.issue(SanType::URI(Ia5String::try_from(uri).expect("a URI")), |_| {})
    }

    fn issue(&self, name: SanType, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certificate { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// A folder as Kubernetes mounts one: each file a link through `..data`, which is replaced as a whole.
pub struct Mounted {
    folder: tempfile::TempDir,
    version: std::cell::Cell<u32>,
}

impl Mounted {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let mounted = Self { folder: tempfile::tempdir().expect("a folder"), version: 0.into() };
        mounted.replace(files);
        for (name, _) in files {
            std::os::unix::fs::symlink(Path::new("..data").join(name), mounted.file(name)).expect("a link");
        }
        mounted
    }

    /// The path by which a file is read.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts other contents in the place of all files at once.
    pub fn replace(&self, files: &[(&str, &str)]) {
        let version = self.version.get() + 1;
        self.version.set(version);
        let real = self.folder.path().join(format!("..version-{version}"));
        fs::create_dir(&real).expect("a folder");
        for (name, content) in files {
            fs::write(real.join(name), content).expect("a file");
        }
        let link = self.folder.path().join("..data_tmp");
        std::os::unix::fs::symlink(real.file_name().expect("a name"), &link).expect("a link");
        fs::rename(link, self.folder.path().join("..data")).expect("the link is replaced");
    }
}
