//! What a publisher has on the desk: a bundle, and keys.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::vitrine;
use vitrine_tests::shop::prepared;

/// A finished run, made once.
static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME"));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    fs::write(
        at("recipe.toml"),
        format!("[table]\n{FIXED_TABLE}[encoder]\nenabled = false\n"),
    )
    .unwrap();
    let sizes = ["--items", "60", "--shoppers", "200", "--days", "10"];
    let data = prepared(&root, &sizes);
    let run = at("run");
    let recipe = at("recipe.toml");
    vitrine(&["train", "--data", &data, "--recipe", &recipe, "--out", &run]).done();
    root
});

/// A folder for one test.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A new key; its file and its public half.
    pub fn key(&self, name: &str) -> (String, String) {
        let file = self.path(name);
        let said = vitrine(&["key", "new", &file]).done();
        let public = said
            .lines()
            .find_map(|line| line.strip_prefix("public key  "));
        (file, public.unwrap().to_owned())
    }

    /// The bundle of the finished run, as version 1.
    pub fn bundle(&self) -> String {
        let bundle = self.path("bundle");
        let run = MADE.join("run").display().to_string();
        vitrine(&["export", "--run", &run, "--out", &bundle]).done();
        bundle
    }
}
