//! A PostgreSQL server of the tests' own: a new data folder, a Unix socket, a password.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

pub const USER: &str = "vitrine";
pub const PASSWORD: &str = "canary-password";

/// Runs until this process ends or the value is dropped, whichever is first; then its folder is
/// removed.
pub struct Cluster {
    folder: PathBuf,
    /// A shell of the server's user that does what it is told, line by line, and stops the server
    /// when its standard input is closed.
    keeper: Child,
    answers: Mutex<BufReader<ChildStdout>>,
    databases: AtomicU32,
}

/// `$1` the folder, `$2` where the programs are, `$3` settings, `$4` how many blocks of 512 bytes
/// each of the server's files may have, `$5` and `$6` user and password.
const KEEPER: &str = r#"
trap '' INT XFSZ
control() { "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" "$@" >> "$folder/log" 2>&1; }
start() { control -o "-k $folder -c listen_addresses= $settings" start && echo ready || cat "$folder/log" >&2; }
folder=$1 bin=$2 settings=$3
printf %s "$6" > "$folder/password"
"$bin/initdb" -D "$folder/data" -U "$5" -A scram-sha-256 --pwfile="$folder/password" \
  --wal-segsize=1 --locale=C.UTF-8 >> "$folder/log" 2>&1
ulimit -S -f "$4"
start
room() {
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/cwd")" != "$folder/data" ] ||
      prlimit --pid "${process#/proc/}" --fsize=unlimited
  done
  echo ready
}
while read -r word; do
  case $word in
    crash) control -m immediate stop; start ;;
    room) room ;;
  esac
done
control -m immediate stop
rm -rf "$folder"
"#;

impl Cluster {
    /// One for all tests of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("", "unlimited"))
    }

    /// Starts one with these settings (`-c name=value`), whose files may not grow past a number
    /// of blocks of 512 bytes.
    pub fn start(settings: &str, blocks: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("vitrine-pg-")
            .tempdir()
            .unwrap()
            .keep();
        let mut command = Command::new("sh");
        // PostgreSQL refuses to run as root.
        if folder.metadata().unwrap().uid() == 0 {
            let id = |flag| {
                let output = Command::new("id").args([flag, "nobody"]).output().unwrap();
                String::from_utf8(output.stdout)
                    .unwrap()
                    .trim()
                    .parse()
                    .unwrap()
            };
            let (user, group) = (id("-u"), id("-g"));
            chown(&folder, Some(user), Some(group)).unwrap();
            command.uid(user).gid(group);
        }
        let mut keeper = command
            .args(["-c", KEEPER, "sh"])
            .arg(&folder)
            .arg(programs())
            .args([settings, blocks, USER, PASSWORD])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = Mutex::new(BufReader::new(keeper.stdout.take().unwrap()));
        let cluster = Self {
            folder,
            keeper,
            answers,
            databases: AtomicU32::new(0),
        };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let mut line = String::new();
        self.answers.lock().unwrap().read_line(&mut line).unwrap();
        assert_eq!(
            line, "ready\n",
            "PostgreSQL did not start; its log is above"
        );
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The URL of one of its databases.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://{user}:{password}@{socket}/{database}")
    }

    /// Makes a database; its URL.
    pub fn create_database(&self) -> String {
        let name = format!("shop{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(programs().join("createdb"))
            .env("PGPASSWORD", PASSWORD)
            .arg("-h")
            .arg(&self.folder)
            .args(["-U", USER, &name])
            .status()
            .unwrap();
        assert!(made.success());
        self.url(USER, PASSWORD, &name)
    }

    /// Kills every process of the server at once and starts it again, which recovers from its log.
    pub fn crash(&self) {
        self.tell("crash");
    }

    /// Lifts the limit on the size of files of every process of the server.
    pub fn make_room(&self) {
        self.tell("room");
    }

    fn tell(&self, word: &str) {
        writeln!(self.keeper.stdin.as_ref().unwrap(), "{word}").unwrap();
        self.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Where PostgreSQL's programs are: on the PATH, or where Debian puts them.
fn programs() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    if let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    // A link on the PATH leads to the folder that has the other programs.
    let initdb = folders
        .iter()
        .find_map(|folder| folder.join("initdb").canonicalize().ok())
        .expect("no initdb: `scripts/setup.sh postgres` installs PostgreSQL");
    initdb.parent().unwrap().to_owned()
}
