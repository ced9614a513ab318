//! The record of everything that a program does to the files below a folder, from `strace`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// All calls that change files or folders, the two that move a file's position, and those that
/// send an answer. A call that is missing here shows: the replayed record then differs from what
/// the program left.
const CALLS: &str = "open,openat,creat,read,write,writev,pwrite64,pwritev,pwritev2,lseek,\
    ftruncate,truncate,fallocate,copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,\
    symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sendto,sendmsg";

/// What the program did.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Opened a file that is made where there is none.
    Create { path: PathBuf },
    /// Wrote at a place; at the end where none is given.
    Write {
        path: PathBuf,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    /// Gave a file a length.
    Truncate { path: PathBuf, length: u64 },
    /// Renamed a file.
    Rename { from: PathBuf, to: PathBuf },
    /// Gave a file a second name.
    Link { from: PathBuf, to: PathBuf },
    /// Removed a file or a folder.
    Remove { path: PathBuf },
    /// Made a folder.
    MakeFolder { path: PathBuf },
    /// Flushed a file or a folder: all events before `since`, when the flush began.
    Flush { path: PathBuf, since: usize },
    /// Answered a request with success.
    Answer,
}

/// The same command, recorded to `log`. Its process keeps the number that the caller sees.
pub fn recorded(command: &Command, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-D", "-f", "-q", "-y", "-xx", "-s", "10000000"])
        .args(["-e", "signal=none", "--seccomp-bpf"])
        .arg(format!("--trace={CALLS}"))
        .arg("-o")
        .arg(log)
        .arg(command.get_program())
        .args(command.get_args());
    strace
}

/// Reads the record of a process that has ended.
pub fn read(log: &Path, process: u32, root: &Path) -> Vec<Event> {
    let process = process.to_string();
    let ends = |line: &str| {
        let (number, rest) = line.split_once(' ').unwrap_or_default();
        number == process && rest.trim_start().starts_with("+++")
    };
    let waits = Instant::now();
    loop {
        let text = fs::read_to_string(log).unwrap();
        if text.lines().any(ends) {
            return parse(&text, root);
        }
        assert!(
            waits.elapsed() < Duration::from_secs(60),
            "no end in {log:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn parse(text: &str, root: &Path) -> Vec<Event> {
    let mut reader = Reader {
        root,
        events: Vec::new(),
        places: HashMap::new(),
    };
    let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
    for line in text.lines() {
        let (process, rest) = line.split_once(' ').unwrap_or_default();
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(process, (start.trim_end().to_owned(), reader.events.len()));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((start, since)) = begun.remove(process) else {
                continue;
            };
            let (_, end) = resumed.split_once(" resumed>").unwrap_or_default();
            reader.call(&format!("{start}{end}"), since);
        } else {
            let since = reader.events.len();
            reader.call(rest, since);
        }
    }
    reader.events
}

struct Reader<'a> {
    root: &'a Path,
    events: Vec<Event>,
    /// Where each open file stands; `None` when it is written at its end.
    places: HashMap<u64, Option<u64>>,
}

impl Reader<'_> {
    fn call(&mut self, call: &str, since: usize) {
        let Some((name, rest)) = call.split_once('(') else {
            return;
        };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else {
            return;
        };
        let arguments = arguments.trim_end().trim_end_matches(')');
        let Some(result) = number(result) else {
            return; // It failed, and changed nothing.
        };
        let strings = strings(arguments);
        let last = arguments.rsplit(", ").next().and_then(number);
        let descriptor = number(arguments);
        let open = self.open_file(arguments);
        match name {
            "open" | "openat" | "creat" => self.open(arguments, name, &strings, result),
            "sendto" | "sendmsg" => self.answer(&strings),
            "write" | "writev" if open.is_none() => self.answer(&strings),
            "read" => self.advance(descriptor, result),
            "lseek" => {
                let place = descriptor.and_then(|descriptor| self.places.get_mut(&descriptor));
                if let Some(Some(place)) = place {
                    *place = result;
                }
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => {
                let Some(path) = open else { return };
                let mut bytes = strings.concat();
                bytes.truncate(usize::try_from(result).unwrap());
                let at = match name {
                    "write" | "writev" => descriptor
                        .and_then(|descriptor| self.places.get(&descriptor).copied())
                        .flatten(),
                    "pwritev2" => panic!("not understood: {name}"),
                    _ => last,
                };
                if matches!(name, "write" | "writev") {
                    self.advance(descriptor, result);
                }
                self.events.push(Event::Write { path, at, bytes });
            }
            "ftruncate" => {
                if let (Some(path), Some(length)) = (open, last) {
                    self.events.push(Event::Truncate { path, length });
                }
            }
            "fsync" | "fdatasync" => {
                self.events
                    .extend(open.map(|path| Event::Flush { path, since }));
            }
            _ => self.named(name, &strings),
        }
    }

    /// The calls that take names.
    fn named(&mut self, name: &str, strings: &[Vec<u8>]) {
        let paths: Vec<PathBuf> = strings
            .iter()
            .filter_map(|bytes| self.inside(bytes))
            .collect();
        self.events.extend(match (name, paths.as_slice()) {
            (_, []) => None,
            ("rename" | "renameat" | "renameat2", [from, to]) => Some(Event::Rename {
                from: from.clone(),
                to: to.clone(),
            }),
            ("link" | "linkat", [from, to]) => Some(Event::Link {
                from: from.clone(),
                to: to.clone(),
            }),
            ("unlink" | "unlinkat" | "rmdir", [path]) => Some(Event::Remove { path: path.clone() }),
            ("mkdir" | "mkdirat", [path]) => Some(Event::MakeFolder { path: path.clone() }),
            _ => panic!("not understood: {name} {paths:?}"),
        });
    }

    fn open(&mut self, arguments: &str, name: &str, strings: &[Vec<u8>], descriptor: u64) {
        let append = arguments.contains("O_APPEND");
        self.places
            .insert(descriptor, if append { None } else { Some(0) });
        let Some(path) = strings.first().and_then(|bytes| self.inside(bytes)) else {
            return;
        };
        if name == "creat" || arguments.contains("O_CREAT") {
            self.events.push(Event::Create { path: path.clone() });
        }
        if name == "creat" || arguments.contains("O_TRUNC") {
            self.events.push(Event::Truncate { path, length: 0 });
        }
    }

    fn answer(&mut self, strings: &[Vec<u8>]) {
        if strings.concat().starts_with(b"HTTP/1.1 2") {
            self.events.push(Event::Answer);
        }
    }

    fn advance(&mut self, descriptor: Option<u64>, by: u64) {
        let place = descriptor.and_then(|descriptor| self.places.get_mut(&descriptor));
        if let Some(Some(place)) = place {
            *place += by;
        }
    }

    /// The file or folder of a call's first argument, `3<path>`, unless it was removed.
    fn open_file(&self, arguments: &str) -> Option<PathBuf> {
        let first = arguments.split(", ").next()?;
        let (_, path) = first.split_once('<')?;
        self.inside(&unescaped(path.strip_suffix('>')?))
    }

    fn inside(&self, path: &[u8]) -> Option<PathBuf> {
        let path = PathBuf::from(String::from_utf8(path.to_vec()).ok()?);
        path.starts_with(self.root).then_some(path)
    }
}

/// The number that a text begins with; none for an error.
fn number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

/// All quoted strings of a call.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    let quoted = arguments.split('"').skip(1).step_by(2);
    quoted.map(unescaped).collect()
}

/// `\x2f\x74`, as strace writes a string.
fn unescaped(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}
