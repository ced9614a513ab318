//! Files that are whole or not there.

use std::io::{self, ErrorKind};
use std::path::Path;

/// [`vitrine_durable::replace`], with the way out where the disk is full.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    vitrine_durable::replace(path, bytes).map_err(explained)
}

/// The system's words, with the way out where the disk is full.
fn explained(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            let reason =
                format!("the disk is full ({error}): free some space or choose another folder");
            io::Error::new(error.kind(), reason)
        }
        _ => error,
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn a_link_planted_under_a_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        let planted = folder.path().join("run.json.partial");
        std::os::unix::fs::symlink(&victim, planted).unwrap();
        super::write_atomically(&folder.path().join("run.json"), b"{}").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    }
}
