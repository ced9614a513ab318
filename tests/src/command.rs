//! The built programs, run as a shell would run them.
//!
//! A test that calls the library would miss what stands between it and a person: the flags, the
//! exit code, and what is written on standard error.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The path of a built program: in the folder that `VITRINE_BIN` names, else beside the running
/// test.
///
/// # Panics
/// When it has not been built, with the command that builds it.
pub fn program(name: &str) -> PathBuf {
    let folder = match std::env::var_os("VITRINE_BIN") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let test = std::env::current_exe().unwrap_or_default();
            let deps = test.parent().map(PathBuf::from).unwrap_or_default();
            deps.parent().map(PathBuf::from).unwrap_or_default()
        }
    };
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `make binaries` first",
        path.display()
    );
    path
}

/// How a program ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Checks that the program did what it was asked for; its standard output.
    ///
    /// # Panics
    /// When it did not.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// Checks that the program refused, in an orderly way, with a message that has all of `words`.
    ///
    /// # Panics
    /// When it did not.
    pub fn refused(self, words: &[&str]) {
        let said = &self.err;
        assert!(
            self.code.is_some_and(|code| code != 0),
            "exit code {:?}: {said}",
            self.code
        );
        assert!(!said.contains("panicked"), "{said}");
        for word in words {
            assert!(said.contains(word), "'{word}' is not in: {said}");
        }
    }
}

/// Runs `vitrine` with `arguments`.
pub fn vitrine<S: AsRef<OsStr>>(arguments: &[S]) -> Ran {
    run(Command::new(program("vitrine")).args(arguments))
}

/// Runs a program with `arguments`, with files limited to so many blocks of 512 bytes: what a full
/// disk does to whoever writes, without a disk to fill.
pub fn on_a_full_disk<S: AsRef<OsStr>>(name: &str, blocks: u32, arguments: &[S]) -> Ran {
    // A shell ignores the signal first, so that the write itself fails, as on a full disk.
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limit]).arg(program(name));
    run(command.args(arguments))
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(command: &mut Command) -> Ran {
    match command.output() {
        Ok(output) => output.into(),
        Err(error) => panic!("{command:?}: {error}"),
    }
}
