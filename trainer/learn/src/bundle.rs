//! Writes a bundle's folder: the files, then the manifest that names them.

use crate::files::write_atomically;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vitrine_core::Digest;
use vitrine_core::blocks::{self, LARGE};
use vitrine_core::bundle::{Bundle, BundleError, Files, verify};
use vitrine_core::delta;
use vitrine_core::facets::Facets;
use vitrine_core::manifest::{
    FileEntry, MANIFEST_FILE, Manifest, ManifestError, ModelFacts, Privacy, SCHEMA, TrainingFacts,
    file,
};
use vitrine_core::provenance::Provenance;
use vitrine_core::session::SessionGap;
use vitrine_core::tables::Tables;
use vitrine_core::writer::{WriteError, write_items};

/// Why a bundle's folder can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest is refused.
    #[error("{path}: {source}")]
    Manifest {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// A file of the bundle is refused.
    #[error("{path}: {source}")]
    Bundle {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        source: BundleError,
    },
    /// The tables or ids can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What becomes a bundle.
pub struct NewBundle<'a> {
    /// `tables.safetensors`.
    pub tables: Vec<u8>,
    /// Item ids in byte order.
    pub ids: &'a [String],
    /// Category, price band and stock.
    pub facets: &'a Facets,
    /// `encoder.onnx`, where there is one.
    pub encoder: Option<Vec<u8>>,
    /// Shape of the tables.
    pub model: ModelFacts,
    /// The pause that ends a session.
    pub session_gap: SessionGap,
    /// From 1.
    pub version: u64,
    /// The manifest before this one.
    pub parent: Option<Digest>,
    /// Unix time in seconds.
    pub created: u64,
    /// Unix time in seconds.
    pub expires: u64,
    /// True if the history was simulated.
    pub synthetic: bool,
    /// What it was trained from.
    pub training: TrainingFacts,
    /// What clients must follow.
    pub privacy: Privacy,
}

/// Writes the folder and returns the manifest.
pub fn write(folder: &Path, bundle: NewBundle<'_>) -> Result<Manifest, FolderError> {
    let facets = serde_json::to_vec(bundle.facets).unwrap_or_default();
    let mut contents = vec![
        (file::TABLES, bundle.tables),
        (
            file::ITEMS,
            write_items(bundle.ids.iter().map(String::as_str))?,
        ),
        (file::FACETS, facets),
    ];
    contents.extend(bundle.encoder.map(|bytes| (file::ENCODER, bytes)));
    if bundle.ids.len() > LARGE {
        let tables = Tables::parse(&bundle.model, &contents[0].1);
        let tables = tables.map_err(|source| FolderError::Bundle {
            path: folder.into(),
            source,
        })?;
        let cut = blocks::cut(&tables, bundle.ids, Some(bundle.facets))?;
        contents.extend([(file::INDEX, cut.index), (file::BLOCKS, cut.blocks)]);
    }
    vitrine_durable::create_folder(folder).map_err(|source| at(folder, source))?;
    let mut files = BTreeMap::new();
    for (name, bytes) in &contents {
        let path = folder.join(name);
        write_atomically(&path, bytes).map_err(|source| at(&path, source))?;
        let entry = FileEntry {
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
        };
        files.insert((*name).to_owned(), entry);
    }
    for name in [file::ENCODER, file::INDEX, file::BLOCKS] {
        if !files.contains_key(name) {
            // What an earlier run left in the same folder belongs to no manifest now.
            let _ = std::fs::remove_file(folder.join(name));
        }
    }
    for left in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if left.file_name().to_str().is_some_and(delta::is_delta) {
            let _ = std::fs::remove_file(left.path());
        }
    }
    let manifest = Manifest {
        schema: SCHEMA.into(),
        version: bundle.version,
        parent: bundle.parent,
        restores: None,
        created: bundle.created,
        expires: bundle.expires,
        synthetic: bundle.synthetic,
        files,
        model: bundle.model,
        session_gap: bundle.session_gap,
        training: bundle.training,
        privacy: bundle.privacy,
    };
    let path = folder.join(MANIFEST_FILE);
    write_atomically(&path, &manifest.to_bytes()).map_err(|source| at(&path, source))?;
    Ok(manifest)
}

/// Adds to a bundle's folder how it differs from the one before; returns the new manifest.
pub fn add_provenance(
    folder: &Path,
    mut manifest: Manifest,
    provenance: &Provenance,
) -> Result<Manifest, FolderError> {
    let bytes = provenance.to_bytes();
    let path = folder.join(file::PROVENANCE);
    write_atomically(&path, &bytes).map_err(|source| at(&path, source))?;
    let entry = FileEntry {
        sha256: Digest::of(&bytes),
        bytes: bytes.len() as u64,
    };
    manifest.files.insert(file::PROVENANCE.into(), entry);
    let path = folder.join(MANIFEST_FILE);
    write_atomically(&path, &manifest.to_bytes()).map_err(|source| at(&path, source))?;
    Ok(manifest)
}

/// A bundle read back from its folder.
pub struct Opened {
    /// The manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's bytes.
    pub digest: Digest,
    /// The checked bundle.
    pub bundle: Bundle,
    /// `encoder.onnx`, verified, where the bundle has one.
    pub encoder: Option<Vec<u8>>,
}

/// Reads and verifies a bundle's folder as a browser would.
pub fn open(folder: &Path) -> Result<Opened, FolderError> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|source| at(&path, source))
    };
    let bundle_error = |source| FolderError::Bundle {
        path: folder.into(),
        source,
    };
    let bytes = read(MANIFEST_FILE)?;
    let manifest = Manifest::parse(&bytes).map_err(|source| FolderError::Manifest {
        path: folder.into(),
        source,
    })?;
    let optional = |name: &str| match manifest.files.contains_key(name) {
        true => read(name).map(Some),
        false => Ok(None),
    };
    let files = Files {
        tables: read(file::TABLES)?,
        items: read(file::ITEMS)?,
        facets: optional(file::FACETS)?,
    };
    let encoder = optional(file::ENCODER)?;
    if let (Some(bytes), Some(entry)) = (&encoder, manifest.files.get(file::ENCODER)) {
        verify(file::ENCODER, entry, bytes).map_err(bundle_error)?;
    }
    let bundle = Bundle::load(&manifest, files).map_err(bundle_error)?;
    Ok(Opened {
        digest: Digest::of(&bytes),
        manifest,
        bundle,
        encoder,
    })
}

fn at(path: &Path, source: std::io::Error) -> FolderError {
    FolderError::File {
        path: path.into(),
        source,
    }
}
