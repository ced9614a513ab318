//! Files that are whole or not there.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes `bytes` under a temporary name beside `path`, flushes them to the disk, and renames.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The half-written file is of no use; the first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written.map_err(explained)
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
