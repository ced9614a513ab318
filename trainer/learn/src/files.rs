//! Files that are whole or not there.

use std::io::Write;
use std::path::Path;

/// Writes `bytes` under a temporary name beside `path`, flushes them to the disk, and renames.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The half-written file is of no use; the first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
