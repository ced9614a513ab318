//! Pipes, `-` and `/dev/stdin`: sources are read more than once, so a stream is copied to disk first.

use super::SourceFile;
use super::content::recognise;
use crate::error::PrepareError;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Copies the streams among `files` into the folder.
pub(crate) fn spool(files: &mut [SourceFile], folder: &Path) -> Result<(), PrepareError> {
    for file in files.iter_mut().filter(|file| file.stream) {
        let mut input: Box<dyn Read> = if file.path.as_os_str() == "-" {
            if io::stdin().is_terminal() {
                return Err(PrepareError::source(
                    &file.path,
                    "is the standard input, and nothing is piped into it",
                ));
            }
            // For messages, which name the file.
            file.path = "/dev/stdin".into();
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&file.path).map_err(PrepareError::io(&file.path))?)
        };
        let count = std::fs::read_dir(folder)
            .map_err(PrepareError::io(folder))?
            .count();
        let copy = folder.join(format!("stream-{count}"));
        let mut output = File::create(&copy).map_err(PrepareError::io(&copy))?;
        file.bytes = io::copy(&mut input, &mut output).map_err(PrepareError::io(&copy))?;
        (file.format, file.packing) = recognise(&file.path, &copy, None)?;
        file.spooled = Some(copy);
        file.stream = false;
    }
    Ok(())
}
