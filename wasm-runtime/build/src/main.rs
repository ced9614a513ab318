//! Builds the browser modules into `web/vitrine/wasm/`: cargo, then wasm-bindgen, then
//! wasm-opt.
//!
//! wasm-bindgen is used as a library, so its version is the lock file's and no tool has to be
//! installed; wasm-opt comes from the npm package `binaryen`, which `npm ci` in `web/` installs.
//! Cargo decides what is to be compiled again. The two later steps are skipped when cargo's
//! output and this program's own settings are those of the last run.

mod module;
mod prune;
mod size;

use anyhow::{Context, ensure};
use module::{Module, OPTIMISED, REWRITTEN};
use std::path::{Path, PathBuf};
use std::process::Command;

const USAGE: &str = "usage: vitrine-wasm-build

Builds wasm-runtime/ranker, verifier and encoder for the browser into web/vitrine/wasm/.
Run it inside the repository, after `npm ci` in web/.";

/// The modules, each with its profile in Cargo.toml, the passes of `wasm-opt`, and whose
/// constructors it keeps where it is pruned: tract's kernels are registered by `tract_linalg`.
const MODULES: [(&str, &str, &[&str], Option<&str>); 3] = [
    ("ranker", "wasm-small", REWRITTEN, None),
    ("verifier", "wasm-small", OPTIMISED, None),
    ("encoder", "wasm", OPTIMISED, Some("tract_linalg")),
];

/// What every browser of the last four years has; relaxed SIMD is not among it.
const TARGET_FEATURES: &str = "-Ctarget-feature=+simd128";

fn main() -> anyhow::Result<()> {
    if std::env::args().len() > 1 {
        println!("{USAGE}");
        return Ok(());
    }
    let root = workspace()?;
    let out = root.join("web/vitrine/wasm");
    let wasm_opt = root.join("web/node_modules/binaryen/bin/wasm-opt");
    ensure!(
        wasm_opt.is_file(),
        "web/node_modules has no binaryen: run `npm ci` in web/ first"
    );
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;

    for (name, profile, passes, constructors) in MODULES {
        Module {
            name,
            compiled: compile(&root, name, profile)?,
            constructors,
            passes,
            out: &out,
            wasm_opt: &wasm_opt,
        }
        .build()?;
    }
    size::print(&out, MODULES.map(|(name, ..)| name))
}

/// The folder of the workspace around the current one.
fn workspace() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir()?;
    here.ancestors()
        .find(|folder| folder.join("wasm-runtime/ranker/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .context("this is not inside Vitrine's repository")
}

/// Compiles a crate for wasm32; returns the path of its module.
fn compile(root: &Path, name: &str, profile: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args([
            "build",
            "--profile",
            profile,
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args(["-p", &format!("vitrine-{name}")])
        .arg("--message-format=json-render-diagnostics")
        // The general variable would win over the target's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            rustflags(root),
        )
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "cargo could not build the {name}: see above"
    );

    let file = format!("vitrine_{name}.wasm");
    output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|path| path.as_str().map(PathBuf::from))
        .find(|path| path.file_name().is_some_and(|name| *name == *file))
        .with_context(|| format!("cargo did not name {file} among its outputs"))
}

/// Panic messages carry source paths; those of this machine are no visitor's business, and they
/// would make two machines build different modules.
fn rustflags(root: &Path) -> String {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
            Some(PathBuf::from(home).join(".cargo"))
        });
    let mut flags = vec![TARGET_FEATURES.to_string()];
    let mut remap = |from: &Path, to: &str| {
        // The variable is split at blanks, so a path with one is left as it is.
        let from = from.display().to_string();
        if !from.contains(char::is_whitespace) {
            flags.push(format!("--remap-path-prefix={from}={to}"));
        }
    };
    remap(root, "vitrine");
    if let Some(home) = home {
        remap(&home, "cargo");
    }
    flags.join(" ")
}
