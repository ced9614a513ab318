//! A folder with a store and a database, and the server's binary running over it.

use crate::database::Database;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::session::SessionGap;
use vitrine_core::window::WindowName;
use vitrine_core::writer::write_items;
use vitrine_server::clock::{Clock as _, SystemClock};
use vitrine_store::Store;

pub const BINARY: &str = env!("CARGO_BIN_EXE_vitrine-server");
/// Windows of eleven days: none ends while a test runs, short of a coincidence once in years.
pub const WINDOW_SECONDS: u64 = 1_000_000;
pub const JSON: &str = "application/json";
/// Opens the admin listener of a server that was started with [`House::start_with_admin`].
pub const TOKEN: &str = "a token that nobody guesses";
/// Reads its metrics and nothing else.
pub const METRICS_TOKEN: &str = "another token";

pub struct House {
    pub dir: tempfile::TempDir,
    pub database: Database,
}

impl House {
    /// A house in which nothing is published.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::new(dir.path());
        Self { dir, database }
    }

    /// A house in which version 1 is published.
    pub fn new() -> Self {
        let house = Self::empty();
        house.publish(1, &"compressible ".repeat(2000));
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a bundle's folder, as `vitrine export` leaves it.
    pub fn bundle(&self, version: u64, tables: &str, privacy: Privacy) -> (PathBuf, Manifest) {
        let folder = self.path(&format!("bundle-{version}"));
        fs::create_dir_all(&folder).unwrap();
        let mut files = std::collections::BTreeMap::new();
        let items = write_items(["a", "b", "c"]).unwrap();
        for (name, bytes) in [(file::TABLES, tables.as_bytes()), (file::ITEMS, &items)] {
            fs::write(folder.join(name), bytes).unwrap();
            let entry = FileEntry {
                sha256: Digest::of(bytes),
                bytes: bytes.len() as u64,
            };
            files.insert(name.to_owned(), entry);
        }
        let manifest = Manifest {
            schema: SCHEMA.into(),
            version,
            parent: None,
            restores: None,
            created: 1_700_000_000,
            expires: 4_000_000_000,
            synthetic: true,
            files,
            model: ModelFacts {
                items: 3,
                dim: 0,
                neighbours: 2,
                max_session: 20,
            },
            session_gap: SessionGap::default(),
            training: TrainingFacts::default(),
            privacy,
        };
        fs::write(folder.join("manifest.json"), manifest.to_bytes()).unwrap();
        (folder, manifest)
    }

    pub fn publish(&self, version: u64, tables: &str) -> Manifest {
        let privacy = Privacy {
            window_seconds: WINDOW_SECONDS,
            ..Privacy::default()
        };
        let (folder, manifest) = self.bundle(version, tables, privacy);
        let store = Store::open(self.path("store")).unwrap();
        store.publish_folder(&folder).unwrap();
        manifest
    }

    /// The server's command over this house, on a free port.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0"])
            .arg("--store")
            .arg(self.path("store"))
            .arg("--database")
            .arg(&self.database.location)
            // Beside a PostgreSQL database there is no folder: it would be this crate's.
            .env("VITRINE_SERVER_AUDIT_LOG", self.path("audit.jsonl"))
            .args(arguments);
        // Tests send more than one network does.
        if !arguments.contains(&"--limit-loopback") {
            command.args(["--limit-loopback", "false"]);
        }
        command
    }

    pub fn start_with_admin(&self, arguments: &[&str]) -> Server {
        let hash = |token: &str| Digest::of(token.as_bytes()).to_string();
        let mut command = self.command(&["--admin-listen", "127.0.0.1:0"]);
        command
            .args(["--admin-token-sha256", &hash(TOKEN)])
            .args(["--metrics-token-sha256", &hash(METRICS_TOKEN)])
            .args(arguments);
        Server::start(command)
    }

    pub fn start(&self, arguments: &[&str]) -> Server {
        Server::start(self.command(arguments))
    }

    /// Runs `vitrine-server release`, as if some windows later.
    ///
    /// The clocks that servers noted are removed first: by them no window would be over.
    pub fn release(&self, windows: u64, arguments: &[&str]) -> Output {
        self.database.query("DELETE FROM server_clock");
        self.release_command(windows, arguments).output().unwrap()
    }

    pub fn release_command(&self, windows: u64, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("release")
            .arg("--database")
            .arg(&self.database.location)
            .arg("--out")
            .arg(self.path("released"))
            .arg("--clock-offset-seconds")
            .arg(later(windows))
            .args(arguments);
        command
    }

    /// The items that raw rows name, one for each row.
    pub fn raw_items(&self) -> Vec<String> {
        let cells = self.database.query("SELECT cell FROM raw_cell").concat();
        let item = |cell: &String| {
            let cell: Value = serde_json::from_str(cell).unwrap();
            cell["item"].as_str().unwrap().to_owned()
        };
        cells.iter().map(item).collect()
    }

    pub fn count(&self, sql: &'static str) -> u64 {
        self.database.query(sql)[0][0].parse().unwrap()
    }
}

/// How many windows a server's command moves its clock.
fn windows_ahead(command: &Command) -> u64 {
    let mut arguments = command.get_args();
    arguments.find(|argument| *argument == "--clock-offset-seconds");
    let seconds = arguments.next().and_then(|argument| argument.to_str());
    seconds.map_or(0, |seconds| {
        seconds.parse::<u64>().unwrap() / WINDOW_SECONDS
    })
}

/// The clock's offset that moves it by some windows.
pub fn later(windows: u64) -> String {
    (windows * WINDOW_SECONDS).to_string()
}

pub fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

pub struct Server {
    pub child: Child,
    pub address: String,
    pub admin: Option<String>,
    pub log: Arc<Mutex<String>>,
    /// How many windows its clock is ahead.
    pub ahead: u64,
    agent: ureq::Agent,
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that it is a problem document, and gives the last part of its type.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        for member in ["type", "title", "detail"] {
            assert!(problem[member].is_string(), "{problem}");
        }
        let kind = problem["type"].as_str().unwrap();
        kind.strip_prefix("urn:vitrine:problem:")
            .unwrap()
            .to_owned()
    }
}

impl Server {
    pub fn start(mut command: Command) -> Self {
        let with_admin = command
            .get_args()
            .any(|argument| argument == "--admin-listen");
        let ahead = windows_ahead(&command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut errors = child.stderr.take().unwrap();
        let writes = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read) = errors.read(&mut chunk) {
                if read == 0 {
                    break;
                }
                let text = String::from_utf8_lossy(&chunk[..read]);
                writes.lock().unwrap().push_str(&text);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |prefix: &str| {
            let line = lines.next().map(Result::unwrap).unwrap_or_default();
            match line.strip_prefix(prefix) {
                Some(address) => address.to_owned(),
                None => panic!(
                    "'{line}' from the server; its log:\n{}",
                    log.lock().unwrap()
                ),
            }
        };
        let public = address("vitrine-server listens on http://");
        let admin = with_admin.then(|| address("vitrine-server admin listens on http://"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_redirects(0)
            .build()
            .into();
        Self {
            child,
            address: public,
            admin,
            log,
            ahead,
            agent,
        }
    }

    pub fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = match body {
            b"" => self.agent.run(request.body(()).unwrap())?,
            body => self.agent.run(request.body(body).unwrap())?,
        };
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()?,
        })
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = format!("http://{}{path}", self.address);
        self.request(method, &url, headers, body).unwrap()
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, b"")
    }

    /// Asks the admin listener with a token.
    pub fn ask_admin(&self, method: &str, path: &str, token: &str) -> Answer {
        let url = format!("http://{}{path}", self.admin.as_ref().unwrap());
        let bearer = format!("Bearer {token}");
        self.request(method, &url, &[("authorization", &bearer)], b"")
            .unwrap()
    }

    pub fn metrics(&self) -> String {
        let answer = self.ask_admin("GET", "/metrics", METRICS_TOKEN);
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }

    pub fn report(&self, report: &Value) -> Answer {
        let body = report.to_string();
        self.send(
            "POST",
            "/v1/feedback",
            &[("content-type", JSON)],
            body.as_bytes(),
        )
    }

    /// Sends bytes as they are and reads whatever comes back until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end; its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The report of a cell in the running window, with a nonce made from a number.
pub fn report(nonce: u128, cell: Value) -> Value {
    report_in(0, nonce, cell)
}

/// The report of a cell so many windows later.
pub fn report_in(ahead: u64, nonce: u128, cell: Value) -> Value {
    let now = SystemClock::default().now();
    let window = WindowName::at(now + ahead * WINDOW_SECONDS, WINDOW_SECONDS);
    json!({"nonce": format!("{nonce:032x}"), "window": window, "cell": cell})
}

/// The report of an item view in the running window.
pub fn view(nonce: u128, item: &str) -> Value {
    view_in(0, nonce, item)
}

/// The report of an item view so many windows later.
pub fn view_in(ahead: u64, nonce: u128, item: &str) -> Value {
    let cell = json!({"table": "item", "item": item, "action": "view"});
    report_in(ahead, nonce, cell)
}

/// Runs a command that should refuse to start; what it said.
pub fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
